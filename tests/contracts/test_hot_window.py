"""What can be declared of a replica, and what becomes of the declaration."""

from __future__ import annotations

from datetime import timedelta

import pytest

from exposure.api.describe import describe_contract
from exposure.contracts.diff import Impact, compare
from exposure.contracts.export.odcs import Deployment, contract_document
from exposure.contracts.export.odcs_reader import read_contract
from exposure.contracts.hot_window import WHOLE_TABLE
from exposure.contracts.rules import WrongDeclaration
from fakes.declarations import declared

CLOUD = Deployment("prod", "some-project", "https://api.example.com")


@pytest.mark.parametrize(
    ("window", "retention", "complaint"),
    [
        (timedelta(hours=1), None, "at least two hours"),
        (WHOLE_TABLE + timedelta(days=1), None, "WHOLE_TABLE for all rows"),
        (timedelta(hours=2, milliseconds=1), None, "whole seconds"),
        (timedelta(days=29), timedelta(days=30), "two days shorter than the retention, 30 days"),
        (WHOLE_TABLE, timedelta(days=30), "two days shorter"),
        (7, None, "choose a timedelta"),
    ],
)
def test_a_window_that_cannot_be_kept_is_refused_with_a_sentence(
    window: timedelta, retention: timedelta | None, complaint: str
) -> None:
    with pytest.raises(WrongDeclaration, match=complaint):
        declared(replica=window, retention=retention)


@pytest.mark.parametrize("window", [timedelta(hours=2), timedelta(days=28), None])
def test_a_window_inside_the_retention_is_declared_and_read_back(window: timedelta | None) -> None:
    contract = declared(replica=window, retention=timedelta(days=30))
    assert read_contract(contract_document(contract, CLOUD)) == contract
    shown = describe_contract(contract)["replica_seconds"]
    assert shown == (window.total_seconds() if window else None)


def test_another_window_breaks_nobody() -> None:
    diff = compare(declared(), declared(replica=timedelta(days=1)))
    [change] = diff.changes
    assert (change.path, change.impact) == ("replica", Impact.COMPATIBLE)
    assert change.what == "was none and is 1 day, 0:00:00: answers take other times"
