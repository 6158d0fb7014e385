from __future__ import annotations

import itertools
import json
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.contracts import sample
from exposure.contracts.catalog import CATALOG
from exposure.contracts.model import Column, Contract
from exposure.contracts.sample import SampleOptions, sample_messages
from exposure.contracts.types import Array, Scalar
from exposure.ingest.message import Message
from exposure.ingest.rejection import Rejection
from exposure.ingest.validate import MessageValidator
from fakes.declarations import EVENT_TIME, KEY, declared, with_column, with_every_type

START = datetime(2026, 11, 25, 12, tzinfo=UTC)
OPTIONS = SampleOptions(rows=300, seed=7, start=START)
ORDERS = CATALOG.get("orders")
EVERY_CONTRACT = pytest.mark.parametrize("contract", [*CATALOG, with_every_type()], ids=lambda one: one.name)


def messages(contract: Contract, options: SampleOptions = OPTIONS) -> list[dict[str, Any]]:
    return list(sample_messages(contract, options))


@EVERY_CONTRACT
def test_every_sample_becomes_a_row_with_nothing_undeclared(contract: Contract) -> None:
    validator = MessageValidator(contract)
    for message in messages(contract):
        data = json.dumps(message).encode()
        row = validator.validate(Message("1", data, {}, START), START)
        assert not isinstance(row, Rejection), (row, message)
        assert row[-1] is None


@EVERY_CONTRACT
def test_the_same_seed_and_start_give_the_same_messages(contract: Contract) -> None:
    assert messages(contract) == messages(contract)


@EVERY_CONTRACT
def test_another_seed_gives_other_keys(contract: Contract) -> None:
    keys, others = (
        {one[contract.key] for one in messages(contract, replace(OPTIONS, seed=s))} for s in (1, 2)
    )
    assert not keys & others


@settings(deadline=None)
@given(seed=st.integers(), rows=st.integers(1, 2000))
def test_no_two_messages_have_the_same_key(seed: int, rows: int) -> None:
    options = SampleOptions(rows, seed, START)
    for contract in (declared(), declared(columns=(Column("id", Scalar.INTEGER), EVENT_TIME))):
        keys = [message["id"] for message in sample_messages(contract, options)]
        assert len(set(keys)) == rows


def test_keys_repeat_only_after_all_of_their_bits_are_used() -> None:
    key = sample._keys(KEY, offset=7)
    assert len({key(0), *(key(2**bit) for bit in range(sample._KEY_BITS))}) == sample._KEY_BITS + 1
    assert key(2**sample._KEY_BITS) == key(0)


def test_events_happen_one_step_after_another_from_the_start_on() -> None:
    options = replace(OPTIONS, rows=3, step=timedelta(seconds=1))
    assert [message["at"] for message in messages(declared(), options)] == [
        "2026-11-25T12:00:00.000000Z",
        "2026-11-25T12:00:01.000000Z",
        "2026-11-25T12:00:02.000000Z",
    ]


def test_what_may_be_null_is_sometimes_null_sometimes_absent_and_mostly_there() -> None:
    found = Counter(
        "absent" if "shipping" not in one else "null" if one["shipping"] is None else "there"
        for one in messages(ORDERS)
    )
    assert found["there"] > found["null"] > 0
    assert found["absent"] > 0


def test_what_is_required_is_always_there() -> None:
    required = {column.name for column in ORDERS.columns if not column.nullable} - {"items", "tags"}
    assert all(required <= message.keys() for message in messages(ORDERS))


def test_arrays_are_empty_absent_and_of_several_elements() -> None:
    lengths = {len(message["items"]) if "items" in message else None for message in messages(ORDERS)}
    assert lengths == {None, 0, 1, 2, 3}


def test_samples_hold_text_beyond_ascii() -> None:
    assert not json.dumps(messages(ORDERS), ensure_ascii=False).isascii()


def values(example: object, kind: Scalar = Scalar.STRING, name: str = "thing") -> Iterator[Any]:
    contract = with_column(Column(name, kind, example=example))
    return (message[name] for message in sample_messages(contract, OPTIONS))


def test_a_string_follows_its_example_digit_for_digit() -> None:
    found = set(values("SKU-0042%d"))
    assert len(found) > 1
    assert all(one.startswith("SKU-") and one[4:8].isdigit() and one.endswith("%d") for one in found)


def test_a_string_whose_example_is_json_holds_json_of_the_same_shape() -> None:
    documents = [json.loads(one) for one in values('{"page": "/home", "clicks": 3}')]
    assert {tuple(document) for document in documents} == {("page", "clicks")}
    assert len({document["clicks"] for document in documents}) > 1


@pytest.mark.parametrize("example", ["{broken", "[1,", "{}", "", "plain"])
def test_a_string_that_only_looks_like_json_is_a_string_like_any_other(example: str) -> None:
    assert all(isinstance(one, str) for one in values(example))


@pytest.mark.parametrize(("example", "places"), [("19.90", 2), ("7", 0), ("0.000000001", 9), (None, 2)])
def test_a_decimal_is_text_with_as_many_places_as_its_example(example: str | None, places: int) -> None:
    for one in itertools.islice(values(example, Scalar.DECIMAL), 50):
        assert len(one.partition(".")[2]) == places
        assert one.partition(".")[0].isdigit()


def test_json_follows_its_example_through_objects_and_arrays() -> None:
    example = {"tags": ["a", 1], "on": True, "none": None, "ratio": 0.5}
    for one in values(example, Scalar.JSON):
        assert list(one) == list(example)
        assert isinstance(one["tags"][1], int)
        assert isinstance(one["on"], bool)
        assert one["none"] is None


def test_an_example_of_an_array_shapes_its_elements() -> None:
    contract = with_column(Column("codes", Array(Scalar.STRING), example=["A-1"]))
    codes = [code for one in messages(contract) for code in one.get("codes", [])]
    assert codes
    assert all(code.startswith("A-") for code in codes)


def test_memory_does_not_grow_with_the_number_of_messages() -> None:
    stream = sample_messages(ORDERS, replace(OPTIONS, rows=10**9))
    tracemalloc.start()
    try:
        for _ in itertools.islice(stream, 3000):
            pass
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
