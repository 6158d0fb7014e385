"""The number of rows tells what a DuckDB table held at a moment: a later row has a greater number."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exposure.contracts import orders
from exposure.contracts.model import Column
from exposure.contracts.types import Array, Scalar
from exposure.query.model import Row, Snapshot
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.port import SnapshotExpired
from exposure.warehouse.schema import rows_table
from fakes.duckdb_appender import append_until_killed
from fakes.questions import ask
from fakes.rows import NOON, order_row

CONTRACT = orders.CONTRACT
TABLE = rows_table(CONTRACT)
# More than a row group holds: such an append is written in another way.
MANY = 130_000
BATCHES = st.lists(
    st.tuples(
        st.lists(st.integers(0, 60), min_size=1, max_size=30),
        st.sets(st.integers(0, 29), max_size=2),
        st.sampled_from(["go on", "go on", "checkpoint", "open again"]),
    ),
    min_size=1,
    max_size=8,
)


class Marks:
    """Remembers what the table held at each moment, and holds it against what it holds up to each mark."""

    def __init__(self) -> None:
        self._held: dict[int, list[Row]] = {}

    def check(self, connection: duckdb.DuckDBPyConnection) -> int:
        """Return the mark of now; every earlier one still means what it meant."""
        path = DuckDBDialect().path(TABLE)
        [(mark,)] = connection.execute(DuckDBDialect().count_stored(TABLE)).fetchall()
        rows = connection.execute(f"SELECT rowid, order_id FROM {path} ORDER BY order_id").fetchall()  # noqa: S608
        self._held.setdefault(mark, rows)
        for earlier, held in self._held.items():
            assert [row for row in rows if row[0] < earlier] == held
        return int(mark)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES)
async def test_a_mark_means_the_same_rows_whatever_is_stored_refused_checkpointed_or_opened_again(
    tmp_path_factory: pytest.TempPathFactory, batches: list[tuple[list[int], set[int], str]]
) -> None:
    path = tmp_path_factory.mktemp("marks") / "rows.duckdb"
    marks, connection = Marks(), open_duckdb(path, [TABLE])
    for keys, refused, then in batches:
        writer = DuckDBWriter(connection)
        rows = [
            order_row(order_id=str(key), placed_at=None) if at in refused else order_row(order_id=str(key))
            for at, key in enumerate(keys)
        ]
        # A row without its time is refused, unless its key is stored already.
        assert set(await writer.append(TABLE, rows)) <= refused
        await writer.close()
        marks.check(connection)
        if then == "checkpoint":
            connection.execute("CHECKPOINT")
        if then == "open again":
            connection.close()
            connection = open_duckdb(path, [TABLE])
        marks.check(connection)
    connection.close()


async def test_a_mark_outlives_large_appends_and_columns_that_are_added(tmp_path: Path) -> None:
    path = tmp_path / "rows.duckdb"
    marks, connection = Marks(), open_duckdb(path, [TABLE])
    writer = DuckDBWriter(connection)
    await writer.append(TABLE, [order_row(order_id=f"{number}") for number in range(3)])
    assert marks.check(connection) == 3
    names = ", ".join(column.name for column in TABLE.columns if column.name != "order_id")
    target = DuckDBDialect().path(TABLE)
    connection.execute(
        f"INSERT INTO {target} (order_id, {names}) SELECT 'many-' || r.range, {names} "  # noqa: S608
        f"FROM (FROM {target} LIMIT 1), range({MANY}) r ON CONFLICT DO NOTHING"
    )
    assert marks.check(connection) == 3 + MANY
    await writer.append(TABLE, [order_row(order_id="last")])
    await writer.close()
    connection.close()
    grown = dataclasses.replace(
        TABLE,
        columns=(
            *TABLE.columns,
            Column("more", Array(Scalar.STRING)),
            Column("n", Scalar.INTEGER, nullable=True),
        ),
    )
    connection = open_duckdb(path, [grown])
    assert marks.check(connection) == 4 + MANY
    connection.close()


def test_a_mark_outlives_a_process_that_is_killed(tmp_path: Path) -> None:
    path, marks = tmp_path / "rows.duckdb", Marks()
    for _ in range(2):
        append_until_killed(path, 20)
        connection = open_duckdb(path, [TABLE])
        marks.check(connection)
        connection.close()


async def test_a_page_that_is_read_while_rows_are_committed_is_of_one_moment() -> None:
    connection = open_duckdb(None, [TABLE])
    writer, reader = DuckDBWriter(connection), DuckDBReader(connection)
    query = ask(CONTRACT, select="order_id", page_size=1000)

    async def keep_writing() -> None:
        for number in range(60):
            await writer.append(TABLE, [order_row(order_id=f"{number}-a"), order_row(order_id=f"{number}-b")])

    writing = asyncio.create_task(keep_writing())
    pages = []
    while not writing.done():
        pages.append(await reader.select(query))
    for page in pages:
        again = await reader.select(dataclasses.replace(query, snapshot=page.snapshot))
        assert again.rows == page.rows
        assert len(page.rows) == page.snapshot.rows
        # A transaction is in it or not.
        assert len(page.rows) % 2 == 0
    await writer.close()
    await reader.close()
    connection.close()


async def test_stored_rows_are_those_of_the_newest_moment_that_was_told() -> None:
    connection = open_duckdb(None, [TABLE])
    writer, reader = DuckDBWriter(connection), DuckDBReader(connection, clock=lambda: NOON)
    await writer.append(TABLE, [order_row(order_id="a"), order_row(order_id="b")])
    moment = await reader.newest(CONTRACT)
    assert moment == Snapshot(NOON, 2)
    await writer.append(TABLE, [order_row(order_id="c")])
    query = ask(CONTRACT, select="order_id")
    stream = await reader.stored(dataclasses.replace(query, snapshot=moment))
    assert (await stream.next_rows(10), stream.as_of) == ([("a",), ("b",)], NOON)
    assert (await reader.select(dataclasses.replace(query, snapshot=moment))).snapshot == moment
    stream.close()
    await writer.close()
    await reader.close()
    connection.close()


async def test_a_snapshot_of_a_warehouse_that_does_not_count_cannot_be_read_here() -> None:
    connection = open_duckdb(None, [TABLE])
    reader = DuckDBReader(connection)
    query = ask(CONTRACT)
    foreign = Snapshot((await reader.select(query)).as_of)
    with pytest.raises(SnapshotExpired):
        await reader.select(dataclasses.replace(query, snapshot=foreign))
    await reader.close()
    connection.close()


async def test_what_is_explained_is_what_would_be_run() -> None:
    connection = open_duckdb(None, [TABLE])
    reader = DuckDBReader(connection)
    plan = await reader.explain(ask(CONTRACT))
    assert "rowid < $snapshot_rows" in plan.text
    assert plan.parameters["snapshot_rows"] == 0
    await reader.close()
    connection.close()
