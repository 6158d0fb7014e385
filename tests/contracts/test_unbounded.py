"""What a contract may say of questions: their window, their refusal and what they may bill."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

import pytest

from exposure.contracts.diff import Impact, compare
from exposure.contracts.export.odcs import Deployment, contract_document
from exposure.contracts.export.odcs_reader import UnreadableContract, read_contract
from exposure.contracts.narrowed import narrow
from exposure.contracts.rules import WrongDeclaration
from exposure.contracts.unbounded import Unbounded
from fakes.declarations import declared

ANYWHERE = Deployment("test", "some-project", "https://api.example.com")
WEEK, MONTH = timedelta(days=7), timedelta(days=30)
ALLOW, REFUSE = Unbounded.ALLOW, Unbounded.REFUSE
MIB = 2**20


@pytest.mark.parametrize("unbounded", [WEEK, ALLOW, REFUSE, timedelta(days=1), timedelta(days=90)])
def test_what_can_be_carried_out_can_be_declared(unbounded: Any) -> None:
    assert declared(unbounded=unbounded, retention=timedelta(days=90)).unbounded == unbounded


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"unbounded": timedelta(hours=36)}, "whole days"),
        ({"unbounded": timedelta(0)}, "whole days"),
        ({"unbounded": timedelta(days=91), "retention": timedelta(days=90)}, "between 1 and 90"),
        ({"unbounded": timedelta(days=10_001)}, "between 1 and 10000"),
        ({"unbounded": "refuse"}, "choose Unbounded"),
        ({"unbounded": 30}, "choose Unbounded"),
        ({"max_bytes_billed": 10 * MIB - 1}, "every question bills"),
        ({"max_bytes_billed": 0}, "every question bills"),
    ],
)
def test_what_bounds_nothing_or_keeps_no_row_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(WrongDeclaration, match=sentence):
        declared(**changes)


@pytest.mark.parametrize(
    ("old", "new", "impact"),
    [
        (ALLOW, MONTH, Impact.BREAKING), (ALLOW, REFUSE, Impact.BREAKING), (MONTH, WEEK, Impact.BREAKING),
        (WEEK, REFUSE, Impact.BREAKING), (WEEK, MONTH, Impact.COMPATIBLE), (MONTH, ALLOW, Impact.COMPATIBLE),
        (REFUSE, ALLOW, Impact.COMPATIBLE), (REFUSE, WEEK, Impact.COMPATIBLE),
    ],
)  # fmt: skip
def test_to_answer_less_of_a_question_breaks_who_asks_it(old: Any, new: Any, impact: Impact) -> None:
    [change] = compare(declared(unbounded=old), declared(unbounded=new)).changes
    assert (change.path, change.impact) == ("unbounded", impact)


@pytest.mark.parametrize(
    ("old", "new", "impact"),
    [
        (None, 20 * MIB, Impact.BREAKING), (20 * MIB, 10 * MIB, Impact.BREAKING),
        (10 * MIB, 20 * MIB, Impact.COMPATIBLE), (10 * MIB, None, Impact.COMPATIBLE),
    ],
)  # fmt: skip
def test_to_let_a_question_bill_less_breaks_who_asks_it(
    old: int | None, new: int | None, impact: Impact
) -> None:
    [change] = compare(declared(max_bytes_billed=old), declared(max_bytes_billed=new)).changes
    assert (change.path, change.impact) == ("max_bytes_billed", impact)


@pytest.mark.parametrize("unbounded", [WEEK, ALLOW, REFUSE])
@pytest.mark.parametrize("most", [None, 20 * MIB])
def test_a_document_tells_it_and_gives_it_back(unbounded: Any, most: int | None) -> None:
    contract = declared(unbounded=unbounded, max_bytes_billed=most)
    assert read_contract(contract_document(contract, ANYWHERE)) == contract


def test_a_document_with_a_policy_nobody_knows_is_refused() -> None:
    document = contract_document(declared(unbounded=REFUSE), ANYWHERE)
    [policy] = (one for one in document["customProperties"] if one["property"] == "unboundedQuestions")
    policy["value"] = "ignore"
    with pytest.raises(UnreadableContract, match="ignore"):
        read_contract(document)


def test_a_narrower_contract_bounds_questions_as_the_whole_one_does() -> None:
    contract = declared(unbounded=WEEK, max_bytes_billed=20 * MIB)
    narrowed = narrow(contract, {"id", "at"})
    assert (narrowed.unbounded, narrowed.max_bytes_billed) == (WEEK, 20 * MIB)
    assert dataclasses.replace(contract, unbounded=REFUSE).unbounded is REFUSE
