from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.api.negotiate import choose

OFFERED = ("application/json", "application/x-ndjson")
JSON, NDJSON = OFFERED


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("application/x-ndjson", NDJSON),
        ("APPLICATION/X-NDJSON", NDJSON),
        ("application/json;charset=utf-8", JSON),
        ("text/html,application/xhtml+xml,*/*;q=0.8", JSON),
        ("application/json;q=0.1, application/x-ndjson;q=0.2", NDJSON),
        ("application/x-ndjson;q=0, */*", JSON),
        ("application/json;q=0, application/*;q=0.1", NDJSON),
        ("*/*;q=0.1, application/json;q=0", NDJSON),
        ("application/x-ndjson;q=1.000, application/json;q=0.999", NDJSON),
        (" , application/json ,, ", JSON),
        ("text/csv", None),
        ("*/*;q=0", None),
        ("application/json;q=0", None),
        ("application/json;q=2", None),
        ("application/json;q=x", None),
        ("application", None),
    ],
)
def test_the_best_offer_by_weight_and_precision_is_chosen(accept: str | None, chosen: str | None) -> None:
    assert choose(accept, OFFERED) == chosen


@given(st.text())
def test_any_header_chooses_one_of_the_offers_or_none(accept: str) -> None:
    assert choose(accept, OFFERED) in (*OFFERED, None)
