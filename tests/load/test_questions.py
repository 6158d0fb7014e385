"""Readers ask the popular questions most, and only questions the API answers."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from exposure.contracts.catalog import CATALOG
from load.questions import Popularity, questions

CONTRACT = CATALOG.get("analytics_table")
NOW = datetime(2026, 11, 25, 10, 30, tzinfo=UTC)


def test_the_higher_a_question_ranks_the_more_it_is_asked() -> None:
    popularity = Popularity(["first", "second", "tenth"], seed=1, exponent=1.0)
    counts = Counter(popularity.draw() for _ in range(6000))
    assert counts["first"] > counts["second"] > counts["tenth"] > 0
    assert 1.7 < counts["first"] / counts["second"] < 2.3


def test_the_same_seed_asks_the_same_questions() -> None:
    draws = [
        [popularity.draw() for _ in range(50)]
        for popularity in (Popularity("abcdef", 7), Popularity("abcdef", 7))
    ]
    assert draws[0] == draws[1]


def test_the_newest_rows_are_asked_for_most_and_single_rows_least() -> None:
    ranking = questions(CONTRACT, ["k-1", "k-2"], NOW)
    assert ranking[0] == "/v1/analytics_table?order=-timestamp&page_size=20"
    assert ranking[-2:] == ["/v1/analytics_table/k-1", "/v1/analytics_table/k-2"]
    assert len(set(ranking)) == len(ranking)


def test_pages_of_the_last_hours_begin_with_the_one_that_runs() -> None:
    hours = [path for path in questions(CONTRACT, [], NOW) if "timestamp.gte" in path]
    assert len(hours) == 24
    assert hours[0].startswith(
        "/v1/analytics_table?timestamp.gte=2026-11-25T10:00:00Z&timestamp.lt=2026-11-25T11:00:00Z"
    )
