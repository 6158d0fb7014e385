"""A table that is not its contract's is told by name, difference by difference, before a row is sent."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from google.cloud.bigquery_storage_v1.types import table as table_types

from exposure.contracts.model import Column
from exposure.contracts.types import Array, Object, Scalar
from exposure.warehouse.bigquery_writer import BigQueryWriter
from exposure.warehouse.port import SchemaDrifted
from exposure.warehouse.schema import Table
from exposure.warehouse.write_drift import differences
from fakes.bigquery_write import FakeBigQueryWrite
from fakes.write_scene import TABLE, orders_of

_Field = table_types.TableFieldSchema
_SHIPPING = Object((Column("street", Scalar.STRING), Column("city", Scalar.STRING)))


def _without(name: str) -> Table:
    columns = tuple(column for column in TABLE.columns if column.name != name)
    return dataclasses.replace(TABLE, columns=columns)


def _with(name: str, change: Callable[[Column], Column]) -> Table:
    columns = tuple(change(column) if column.name == name else column for column in TABLE.columns)
    return dataclasses.replace(TABLE, columns=columns)


def _and(column: Column) -> Table:
    return dataclasses.replace(TABLE, columns=(*TABLE.columns, column))


async def _complaint(live: Table) -> str:
    """Return what a writer to the declared table says of the live one at its start."""
    async with FakeBigQueryWrite((live,)) as server:
        writer = BigQueryWriter("local", (TABLE,), endpoint=server.address)
        with pytest.raises(SchemaDrifted) as caught:
            await writer.ready()
        with pytest.raises(SchemaDrifted):  # as long as it is remembered, of appends too
            await writer.append(TABLE, orders_of(["a"]))
        await writer.close()
        assert server.appends == 0
        return str(caught.value)


async def test_a_missing_column_is_named() -> None:
    assert (await _complaint(_without("currency"))).endswith("the table lacks the column currency")


async def test_a_column_of_another_type_is_named_with_both() -> None:
    live = _with("order_id", lambda column: dataclasses.replace(column, type=Scalar.INTEGER))
    assert (await _complaint(live)).endswith("the table has order_id as REQUIRED INT64, not STRING")


async def test_an_array_that_is_none_and_one_that_should_be_none_are_named() -> None:
    live = _with("tags", lambda column: dataclasses.replace(column, type=Scalar.STRING))
    assert "has tags as REQUIRED STRING, not REPEATED STRING" in await _complaint(live)
    live = _with("currency", lambda column: dataclasses.replace(column, type=Array(Scalar.STRING)))
    assert "has currency as REPEATED STRING, not STRING" in await _complaint(live)


async def test_a_column_that_must_have_a_value_and_may_be_null_in_the_contract_is_named() -> None:
    live = _with("shipping", lambda column: dataclasses.replace(column, nullable=False))
    assert (await _complaint(live)).endswith("the table requires shipping, which may be null")


async def test_a_column_that_must_have_a_value_and_that_no_row_has_is_named() -> None:
    complaint = await _complaint(_and(Column("added", Scalar.STRING)))
    assert complaint.endswith("the table requires added, which no row has")


async def test_every_difference_is_named_at_once() -> None:
    live = _without("currency")
    live = dataclasses.replace(live, columns=(*live.columns, Column("added", Scalar.STRING)))
    assert (await _complaint(live)).endswith("lacks the column currency, requires added, which no row has")


async def test_what_takes_every_row_of_the_contract_is_no_drift() -> None:
    looser = _with("currency", lambda column: dataclasses.replace(column, nullable=True))
    looser = dataclasses.replace(
        looser, columns=(*looser.columns, Column("more", Scalar.JSON, nullable=True))
    )
    async with FakeBigQueryWrite((looser,)) as server:
        writer = BigQueryWriter("local", (TABLE,), endpoint=server.address)
        await writer.ready()
        await writer.close()


def test_a_difference_inside_an_object_is_named_by_its_path_and_letters_have_no_case() -> None:
    table = dataclasses.replace(TABLE, columns=(Column("shipping", Array(_SHIPPING)),))
    field = _Field(name="Shipping", type_="STRUCT", mode="REPEATED")
    field.fields.append(_Field(name="STREET", type_="INT64", mode="REQUIRED"))
    assert differences(table, [field]) == (
        "has shipping.street as REQUIRED INT64, not STRING",
        "lacks the column shipping.city",
    )


def test_a_schema_that_is_not_told_is_no_drift() -> None:
    assert differences(TABLE, []) == ()
