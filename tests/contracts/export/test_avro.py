from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import fastavro
import pytest

from exposure.contracts.catalog import CATALOG
from exposure.contracts.export.avro import row_schema
from exposure.contracts.model import Column, Contract
from exposure.contracts.sample import SampleOptions, sample_messages
from exposure.contracts.types import Object, Scalar
from exposure.ingest.message import Message
from exposure.ingest.rejection import Rejection
from exposure.ingest.validate import MessageValidator
from fakes.declarations import EVENT_TIME, KEY, declared, with_every_type

START = datetime(2026, 11, 25, 12, tzinfo=UTC)
EVERY_CONTRACT = pytest.mark.parametrize("contract", [*CATALOG, with_every_type()], ids=lambda one: one.name)


def rows(contract: Contract) -> Iterator[dict[str, Any]]:
    validator = MessageValidator(contract)
    names = [column.name for column in contract.columns]
    for message in sample_messages(contract, SampleOptions(50, 7, START)):
        row = validator.validate(Message("1", json.dumps(message).encode(), {}, START), START)
        assert not isinstance(row, Rejection)
        yield dict(zip(names, row, strict=False))


def field(contract: Contract, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in row_schema(contract)["fields"] if one["name"] == name)
    return found


@EVERY_CONTRACT
def test_rows_written_with_the_schema_are_read_back_unchanged(contract: Contract) -> None:
    schema = fastavro.parse_schema(row_schema(contract))
    written = list(rows(contract))
    file = io.BytesIO()
    fastavro.writer(file, schema, written)
    file.seek(0)
    assert list(fastavro.reader(file)) == written


@EVERY_CONTRACT
def test_the_schema_is_plain_json(contract: Contract) -> None:
    schema = row_schema(contract)
    assert json.loads(json.dumps(schema)) == schema


def test_a_nullable_column_is_a_union_that_begins_with_null_and_defaults_to_it() -> None:
    weight = field(CATALOG.get("orders"), "weight_kg")
    assert (weight["type"], weight["default"]) == (["null", "double"], None)


def test_instants_are_microseconds_and_decimals_are_exact() -> None:
    orders = CATALOG.get("orders")
    assert field(orders, "placed_at")["type"] == {"type": "long", "logicalType": "timestamp-micros"}
    assert field(orders, "total")["type"] == {
        "type": "bytes",
        "logicalType": "decimal",
        "precision": 38,
        "scale": 9,
    }


def test_records_at_paths_that_read_alike_have_different_names() -> None:
    leaf = Object((Column("x", Scalar.STRING),))
    columns = (
        KEY,
        EVENT_TIME,
        Column("a", Object((Column("b_c", leaf),))),
        Column("a_b", Object((Column("c", leaf),))),
    )
    assert fastavro.parse_schema(row_schema(declared(columns=columns)))


def test_the_schema_says_that_no_topic_has_it() -> None:
    assert "not attached to the topic" in row_schema(declared())["doc"]
