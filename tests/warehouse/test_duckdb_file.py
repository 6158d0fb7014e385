"""The file of the embedded warehouse: who may open it, and how it follows the contracts."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from exposure.contracts import orders
from exposure.contracts.model import Column
from exposure.contracts.types import Array, Scalar
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.port import SchemaDrifted, WarehouseMisconfigured, WarehouseUnavailable
from exposure.warehouse.schema import Table, quarantine_table, rows_table
from fakes.questions import ask
from fakes.rows import order_row

CONTRACT = orders.CONTRACT
TABLE = rows_table(CONTRACT)
LOCK = "import duckdb, sys; held = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


def test_a_file_held_by_another_process_is_a_sentence_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.duckdb"
    holder = subprocess.Popen(
        [sys.executable, "-c", LOCK, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(WarehouseUnavailable) as refused:
            open_duckdb(path, [TABLE])
        assert str(refused.value) == f"{path} is in use by another process"
    finally:
        holder.kill()
        holder.communicate()


@pytest.mark.parametrize("content", [b"", b"lock " * 1000, b"\0" * 16384])
def test_a_file_of_another_kind_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a lock"
    path.write_bytes(content)
    with pytest.raises(WarehouseMisconfigured, match="cannot be opened as a DuckDB file"):
        open_duckdb(path, [TABLE])
    assert path.read_bytes() == content


@pytest.mark.parametrize("name", [".", "missing/rows.duckdb"])
def test_a_path_that_can_hold_no_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(WarehouseMisconfigured, match="cannot be opened as a DuckDB file"):
        open_duckdb(tmp_path / name, [TABLE])


def test_a_file_can_be_opened_again_and_again(tmp_path: Path) -> None:
    for _ in range(3):
        open_duckdb(tmp_path / "rows.duckdb", [TABLE, quarantine_table(CONTRACT)]).close()


async def test_columns_a_contract_gains_are_added_to_the_rows_already_stored(tmp_path: Path) -> None:
    path = tmp_path / "rows.duckdb"
    await _store(path, TABLE, order_row(order_id="old"))
    note, marks = Column("note", Scalar.STRING, nullable=True), Column("marks", Array(Scalar.INTEGER))
    grown = dataclasses.replace(CONTRACT, columns=(*CONTRACT.columns, note, marks))
    row = order_row(order_id="new")
    await _store(path, rows_table(grown), (*row[:-4], "seen", [1, 2], *row[-4:]))

    connection = open_duckdb(path, [rows_table(grown)])
    reader = DuckDBReader(connection)
    page = await reader.select(ask(grown, select="order_id,note,marks"))
    assert page.rows == [("new", "seen", [1, 2]), ("old", None, [])]
    await reader.close()
    connection.close()


async def test_an_added_array_refuses_null_like_one_declared_from_the_start(tmp_path: Path) -> None:
    marks = Column("marks", Array(Scalar.INTEGER))
    grown = rows_table(dataclasses.replace(CONTRACT, columns=(*CONTRACT.columns, marks)))
    open_duckdb(tmp_path / "rows.duckdb", [TABLE]).close()
    connection = open_duckdb(tmp_path / "rows.duckdb", [grown])
    writer = DuckDBWriter(connection)
    row = order_row()
    assert list(await writer.append(grown, [(*row[:-4], None, *row[-4:])])) == [0]
    await writer.close()
    connection.close()


def _changed(name: str, /, **changes: object) -> Table:
    columns = tuple(
        dataclasses.replace(column, **changes) if column.name == name else column  # type: ignore[arg-type]
        for column in TABLE.columns
    )
    return dataclasses.replace(TABLE, columns=columns)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (_changed("customer_id", type=Scalar.STRING), "customer_id"),
        (_changed("customer_id", nullable=True), "customer_id"),
        (_changed("weight_kg", nullable=False), "weight_kg"),
        (_changed("shipping", type=Scalar.JSON), "shipping"),
        (_changed("currency", name="money"), "money"),
        (dataclasses.replace(TABLE, columns=TABLE.columns[1:], key="currency"), "order_id"),
        (dataclasses.replace(TABLE, key="currency"), "currency"),
    ],
    ids=["type", "loosened", "tightened", "object", "renamed", "removed", "key"],
)
def test_any_other_change_of_a_table_is_refused_by_name(tmp_path: Path, table: Table, column: str) -> None:
    path = tmp_path / "rows.duckdb"
    open_duckdb(path, [TABLE]).close()
    with pytest.raises(SchemaDrifted, match=rf"sales_dataset\.orders: column '{column}'"):
        open_duckdb(path, [table])
    open_duckdb(path, [TABLE]).close()


def test_a_refused_table_is_told_with_every_difference(tmp_path: Path) -> None:
    path = tmp_path / "rows.duckdb"
    open_duckdb(path, [TABLE]).close()
    with pytest.raises(SchemaDrifted) as refused:
        open_duckdb(path, [dataclasses.replace(_changed("customer_id", type=Scalar.STRING), key="currency")])
    assert str(refused.value) == (
        "table sales_dataset.orders: column 'customer_id' is BIGINT NOT NULL in the file and VARCHAR NOT "
        "NULL in the contract; column 'currency' is the contract's key, not the file's; "
        "mend the contract or start a new file"
    )


def test_a_refused_file_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "rows.duckdb"
    open_duckdb(path, [TABLE]).close()
    with pytest.raises(SchemaDrifted):
        open_duckdb(path, [_changed("customer_id", type=Scalar.STRING)])
    # Another configuration is refused while the file is open in this process.
    duckdb.connect(str(path), read_only=True).close()


async def _store(path: Path, table: Table, row: tuple[object, ...]) -> None:
    connection = open_duckdb(path, [table])
    writer = DuckDBWriter(connection)
    assert await writer.append(table, [row]) == {}
    await writer.close()
    connection.close()
