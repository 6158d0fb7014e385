"""A walk over HTTP: its token seals the moment of the first page, whatever is stored meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from itertools import cycle
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exposure.api.cache.answers import Cache
from exposure.api.cache.front import Front
from exposure.api.cache.store import Store
from exposure.contracts import orders
from exposure.contracts.catalog import Catalog
from exposure.query.model import Query
from exposure.warehouse.duckdb_dialect import DuckDBDialect
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.port import Page, SnapshotExpired
from exposure.warehouse.schema import rows_table
from fakes.api_house import ApiHouse, api_house, filled_warehouse
from fakes.cached_house import FRESH, ROOM, STALE, STANDING_IN, WINDOWS, TurnedVersions, status_of
from fakes.random_walk import RandomWalk, random_walks
from fakes.rows import NOON, order_row
from fakes.turned_clock import TurnedClock

TABLE = rows_table(orders.CONTRACT)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Return a warehouse in memory, opened once: that takes longer than a walk."""
    with open_duckdb(None, []) as connection:
        yield connection


@pytest.fixture
async def three() -> AsyncIterator[tuple[ApiHouse, DuckDBWriter]]:
    """Return an API over the orders b, d and f, and what stores more of them."""
    connection = await filled_warehouse([order_row(order_id=key) for key in "bdf"])
    writer = DuckDBWriter(connection)
    async with api_house(connection) as house:
        yield house, writer
    await writer.close()
    connection.close()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scene=random_walks())
async def test_the_pages_of_a_walk_put_together_are_the_snapshot_while_rows_are_stored(
    connection: duckdb.DuckDBPyConnection, scene: RandomWalk
) -> None:
    writer, batches, url = await stored(connection, scene), iter(scene.later), url_of(scene)
    table = rows_table(scene.contract)
    async with api_house(connection, Catalog((scene.contract,))) as api:
        pages = [(await api.get(url)).json()]
        while not pages[-1]["complete"]:
            assert not await writer.append(table, next(batches, ()))
            pages.append((await api.get(f"{url}&page_token={pages[-1]['next_page_token']}")).json())
    await writer.close()
    expected = ids_of(scene)
    assert [row["id"] for page in pages for row in page["data"]] == expected
    assert [page["total"]["rows"] for page in pages] == [len(expected)] * len(pages)
    assert len({page["as_of"] for page in pages}) == 1


async def stored(connection: duckdb.DuckDBPyConnection, scene: RandomWalk) -> DuckDBWriter:
    """Make the scene's table anew with its first rows; return what stores the later ones."""
    dialect, table = DuckDBDialect(), rows_table(scene.contract)
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {dialect.identifier(table.dataset)}")
    connection.execute(f"DROP TABLE IF EXISTS {dialect.path(table)}")
    connection.execute(dialect.create(table))
    writer = DuckDBWriter(connection)
    assert not await writer.append(table, scene.first)
    return writer


def url_of(scene: RandomWalk) -> str:
    """Return the URL of the walk's first page."""
    order = ",".join(
        f"{'-' if one.descending else ''}{one.column.name}.nulls{'first' if one.nulls_first else 'last'}"
        for one in scene.query.order
    )
    size = scene.query.page_size
    return f"/v1/{scene.contract.name}?order={order}&page_size={size}&count=exact&select=id"


def ids_of(scene: RandomWalk) -> list[Any]:
    """Return the keys of all rows there were at the first page, in the order of the walk."""
    at = scene.query.columns.index(scene.contract.key_column)
    return [row[at] for row in scene.unfiltered().answer()]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(scene=random_walks(), passing=st.lists(st.sampled_from([FRESH, STALE, STANDING_IN]), min_size=3))
async def test_a_walk_through_the_cache_is_the_same_walk_however_old_its_pages_are(
    connection: duckdb.DuckDBPyConnection, scene: RandomWalk, passing: list[float]
) -> None:
    contract, clock = scene.contract, TurnedClock()
    versions, passes, batches = TurnedVersions(clock), cycle(passing), iter(scene.later)
    cache = Cache(versions, WINDOWS, Store(ROOM), clock=clock)
    writer = await stored(connection, scene)
    async with api_house(connection, Catalog((contract,)), cache) as api:
        answers = [await api.get(url_of(scene))]
        while (token := answers[-1].json()["next_page_token"]) is not None:
            # Each page is asked for again at once, and in the end, when it is of a version long gone.
            assert (await api.get(str(answers[-1].url))).content == answers[-1].content
            assert not await writer.append(rows_table(contract), next(batches, ()))
            versions.turn(contract.name)
            clock.turn(next(passes))
            answers.append(await api.get(f"{url_of(scene)}&page_token={token}"))
            assert status_of(answers[-1]) == "fwd=miss; stored"
        later = [(await api.get(str(one.url))).json() for one in answers[1:]]
        assert isinstance(api.app, Front)
        await api.app._answers.close()
    await writer.close()
    pages = [one.json() for one in answers]
    assert [row["id"] for page in pages for row in page["data"]] == ids_of(scene)
    assert [page["data"] for page in later] == [page["data"] for page in pages[1:]]
    assert len({page["as_of"] for page in (*pages, *later)}) == 1


async def test_following_the_links_of_any_format_sees_what_there_was_at_the_first_page(
    three: tuple[ApiHouse, DuckDBWriter],
) -> None:
    api, writer = three
    first = await api.get("/v1/orders?select=order_id&page_size=1", accept="text/csv")
    await writer.append(TABLE, [order_row(order_id=key) for key in "ace"])
    second = await api.get(_next(first), accept="application/x-ndjson")
    await writer.append(TABLE, [order_row(order_id="g", placed_at=NOON - timedelta(days=1))])
    third = await api.get(_next(second))
    assert [row["order_id"] for row in third.json()["data"]] == ["b"]
    assert "link" not in third.headers
    assert len({answer.headers["x-as-of"] for answer in (first, second, third)}) == 1


async def test_a_total_is_of_the_rows_that_are_walked(
    three: tuple[ApiHouse, DuckDBWriter],
) -> None:
    api, writer = three
    url = "/v1/orders?page_size=1&count=exact"
    first = await api.get(url)
    await writer.append(TABLE, [order_row(order_id=key) for key in "ace"])
    second = await api.get(f"{url}&page_token={first.json()['next_page_token']}")
    assert [answer.json()["total"]["rows"] for answer in (first, second)] == [3, 3]
    assert (await api.get(url)).json()["total"]["rows"] == 6


async def test_what_is_stored_between_a_first_page_and_its_total_is_not_counted(
    three: tuple[ApiHouse, DuckDBWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    api, writer = three
    select = api.reader.select

    async def then_store(query: Query) -> Page:
        page = await select(query)
        await writer.append(TABLE, [order_row(order_id="z")])
        return page

    monkeypatch.setattr(api.reader, "select", then_store)
    answer = await api.get("/v1/orders?page_size=1&count=exact")
    assert answer.json()["total"]["rows"] == 3


async def test_a_first_page_that_is_whole_counts_itself(
    three: tuple[ApiHouse, DuckDBWriter],
) -> None:
    api, _ = three
    answer = await api.get("/v1/orders?count=exact")
    assert answer.json()["total"] == {"rows": 3, "kind": "exact"}
    assert len(api.reader.questions) == 1


async def test_a_walk_that_began_too_long_ago_is_gone_and_says_to_begin_again(
    three: tuple[ApiHouse, DuckDBWriter],
) -> None:
    api, _ = three
    first = await api.get("/v1/orders?page_size=1")
    api.reader.failure = SnapshotExpired("secret-project: nothing is kept")
    for count in ("none", "exact"):
        gone = await api.get(f"{_next(first)}&count={count}")
        problem = gone.json()
        assert (gone.status_code, problem["code"]) == (410, "PAGE_TOKEN_EXPIRED")
        assert "secret" not in gone.text
    page = (await api.get(problem["type"])).json()
    assert (page["status"], page["advice"].split(":")[0]) == (410, "Begin again")


def _next(answer: Any) -> str:
    link: str = answer.headers["link"]
    return link.partition(">")[0].removeprefix("<")
