"""A service whose catalog has replicas has the memory and the CPU they need; any other is as it was."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from exposure.contracts import orders
from exposure.contracts.model import Contract
from stacks.replicas import replica_bytes

KEPT = 128 * 2**20
WITHOUT = dataclasses.replace(orders.CONTRACT, replica=None)
WITH = dataclasses.replace(orders.CONTRACT, replica=timedelta(days=1))


def test_without_replicas_nothing_is_set_aside() -> None:
    assert replica_bytes("512Mi", [WITHOUT], KEPT) is None


@pytest.mark.parametrize(
    ("memory", "contracts", "mebibytes"),
    [("768Mi", [WITH], 128), ("1Gi", [WITH, WITHOUT], 213), ("2Gi", [WITH, WITH], 277)],
)
def test_what_is_left_of_the_memory_is_shared_by_three_times_as_many_as_there_are(
    memory: str, contracts: list[Contract], mebibytes: int
) -> None:
    assert replica_bytes(memory, contracts, KEPT) == mebibytes * 2**20


def test_too_little_memory_is_refused_naming_enough() -> None:
    with pytest.raises(ValueError, match=r"too little for 2 replicas .*: 768Mi is the least"):
        replica_bytes("512Mi", [WITH, WITH], KEPT)
    with pytest.raises(ValueError, match="769Mi is the least"):
        replica_bytes("512Mi", [WITH, WITH], KEPT + 1)
    with pytest.raises(ValueError, match=r"513Mi is the least, or a lower kept_answers\.cache_bytes"):
        replica_bytes("512Mi", [WITHOUT], 2 * KEPT + 1)
