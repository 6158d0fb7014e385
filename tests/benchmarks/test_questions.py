"""Every contestant is asked the same, in its own words."""

from __future__ import annotations

import json

from benchmarks.peers.data import CATEGORIES, event_id
from benchmarks.peers.questions import (
    DEEP,
    FIRST,
    GROUPS,
    PAGE,
    PAGE_ROWS,
    POINT,
    api_words,
    datasette_words,
    deep_pages,
    held,
    page_ids,
    postgres_words,
    roapi_words,
)

_ROWS = 200_000


def test_every_contestant_must_answer_with_the_same_rows() -> None:
    tokens = {page: f"token-{page}" for page in deep_pages(_ROWS)}
    all_words = (api_words("key", tokens), roapi_words(), datasette_words(_ROWS), postgres_words(_ROWS))
    asked = [words.questions(_ROWS) for words in all_words]
    for kind in (POINT, PAGE, FIRST, DEEP, GROUPS):
        first, *others = ([list(one.holds) for one in questions[kind]] for questions in asked)
        assert all(other == first for other in others)
        assert len({one.path for one in asked[0][kind]}) == len(asked[0][kind])


def test_pages_follow_one_another_from_the_newest_row() -> None:
    assert page_ids(_ROWS, 1)[0] == event_id(_ROWS - 1)
    assert page_ids(_ROWS, 1)[-1] == event_id(_ROWS - PAGE_ROWS)
    assert page_ids(_ROWS, 2)[0] == event_id(_ROWS - PAGE_ROWS - 1)


def test_deep_pages_are_around_the_thousandth_where_there_are_so_many() -> None:
    assert list(deep_pages(_ROWS)) == list(range(991, 1001))
    assert list(deep_pages(1500)) == list(range(6, 16))


def test_what_an_answer_holds_is_found_in_each_contestants_shape() -> None:
    row, group = {"id": "evt-1", "category": "category-01"}, {"category": "category-02", "rows": 3}
    assert held(json.dumps({"data": [row, row]}).encode()) == ["evt-1", "evt-1"]
    assert held(json.dumps({"data": row}).encode()) == ["evt-1"]
    assert held(json.dumps({"rows": [row], "ok": True}).encode()) == ["evt-1"]
    assert held(json.dumps([group]).encode()) == ["category-02"]


def test_an_hour_holds_more_rows_than_a_page() -> None:
    [*hours] = roapi_words().questions(_ROWS)[PAGE]
    assert all(len(set(one.holds)) == PAGE_ROWS for one in hours)
    assert len(roapi_words().questions(_ROWS)[GROUPS][0].holds) == CATEGORIES
