"""Questions as readers mean them: without the platform's own canaries."""

from __future__ import annotations

import pytest

from exposure.contracts.canary import CANARY_PREFIX, LEAST_INTEGER_KEY
from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Scalar
from exposure.query.aggregate_parse import parse_aggregation
from exposure.query.canaries import of_no_canaries, without_canaries
from exposure.query.model import Filter, Operator, Or
from exposure.query.parse import parse_export
from fakes.declarations import EVENT_TIME, KEY, declared

TEXTS = declared()
NUMBERS = declared(columns=(Column("id", Scalar.INTEGER), EVENT_TIME))


@pytest.mark.parametrize("parse", [parse_export, parse_aggregation])
def test_a_question_is_asked_with_a_condition_on_the_key(parse: object) -> None:
    for contract, condition in (
        (TEXTS, Or((Filter(KEY, Operator.LT, "~canary-"), Filter(KEY, Operator.GTE, "~canary.")))),
        (NUMBERS, Filter(NUMBERS.key_column, Operator.GTE, LEAST_INTEGER_KEY)),
    ):
        asked = parse(contract, [("at.lt", "2026-11-25T12:00:00Z")])  # type: ignore[operator]
        found = without_canaries(asked)
        assert found.filters == (*asked.filters, condition)


def test_a_question_that_names_one_key_is_left_as_it_is() -> None:
    asked = parse_export(TEXTS, [("id.eq", f"{CANARY_PREFIX}1")])
    assert without_canaries(asked) is asked


@pytest.mark.parametrize(
    "filter_",
    [
        ("id.in", f"{CANARY_PREFIX}1"),
        ("id.prefix", CANARY_PREFIX),
        ("where", f"id eq {CANARY_PREFIX}1 or id eq 2"),
        ("where", f"not (id eq {CANARY_PREFIX}1)"),
    ],
)
def test_any_other_way_to_speak_of_keys_finds_none(filter_: tuple[str, str]) -> None:
    asked = parse_export(TEXTS, [filter_])
    assert len(without_canaries(asked).filters) == len(asked.filters) + 1


@pytest.mark.parametrize(
    ("contract", "canary", "other"),
    [(TEXTS, f"{CANARY_PREFIX}1", "~two"), (NUMBERS, LEAST_INTEGER_KEY - 1, LEAST_INTEGER_KEY)],
)
def test_rows_without_canaries_are_asked_for_whatever_can_mean_none(
    contract: Contract, canary: str | int, other: str | int
) -> None:
    everything, of_one = (parse_export(contract, filters) for filters in ([], [("id.eq", str(other))]))
    assert of_no_canaries(without_canaries(everything)) == everything
    assert of_no_canaries(everything) is None
    assert of_no_canaries(of_one) is of_one
    assert of_no_canaries(parse_export(contract, [("id.eq", str(canary))])) is None
