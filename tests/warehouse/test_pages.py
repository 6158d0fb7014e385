"""A page takes no more memory than a page may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from exposure.contracts.analytics_table import CONTRACT
from exposure.query.model import Order, Query
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.pages import PAGE_BYTES, Fetched, fetch_within
from exposure.warehouse.schema import rows_table

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def test_rows_are_fetched_until_they_are_too_many_bytes_and_the_rest_is_not_asked_for() -> None:
    asked: list[int] = []

    def rows() -> object:
        for number in range(100):
            asked.append(number)
            yield (str(number), "x" * 1000)

    fetched = fetch_within(rows(), 2500)  # type: ignore[arg-type]
    assert ([row[0] for row in fetched.rows], fetched.is_cut) == (["0", "1", "2"], True)
    assert asked == [0, 1, 2, 3]


def test_a_row_larger_than_a_page_is_a_page() -> None:
    assert fetch_within([("x" * 100,)], 10) == Fetched([("x" * 100,)])


@pytest.mark.parametrize(
    "nested",
    [
        lambda text: {"a": [text]},
        lambda text: [text],
        lambda text: text.encode(),
        lambda text: ({"a": text},),
    ],
)
def test_what_is_nested_weighs_too(nested: Callable[[str], object]) -> None:
    for text, is_cut in (("x" * 1000, True), ("x", False)):
        row = (nested(text),)
        assert fetch_within([row, row], 500).is_cut is is_cut


async def test_a_walk_over_large_rows_sees_each_once_in_pages_of_few() -> None:
    connection = open_duckdb(None, [rows_table(CONTRACT)])
    writer = DuckDBWriter(connection)
    size = PAGE_BYTES // 4
    rows = [(f"k{number}", NOON, "x" * size, f"{number}", NOON, NOON, None) for number in range(9)]
    assert not await writer.append(rows_table(CONTRACT), rows)
    reader = DuckDBReader(connection)
    key = CONTRACT.key_column
    columns = (key, CONTRACT.column("data"))
    question = Query(contract=CONTRACT, columns=columns, filters=(), order=(Order(key),), page_size=100)
    seen: list[object] = []
    lengths: list[int] = []
    after = None
    while True:
        page = await reader.select(replace(question, after=after))
        seen += [row[0] for row in page.rows]
        lengths.append(len(page.rows))
        if page.complete:
            break
        after = page.last
    await reader.close()
    await writer.close()
    assert seen == [f"k{number}" for number in range(9)]
    assert max(lengths) == 4
