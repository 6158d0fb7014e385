"""Pages of a copy by event time: each row once, in order, while rows arrive, on either side of every tie."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.api.hiding import HidingReader
from exposure.contracts import orders
from exposure.query.model import Query, Row
from exposure.warehouse.replica.follower import Follower, Timing
from exposure.warehouse.replica.limits import ReplicaLimits
from exposure.warehouse.replica.replica_reader import ReplicaReader
from fakes.oracle import met, ordered
from fakes.questions import ask
from fakes.replicated import TurnedHands
from fakes.rows import NOON, order_row
from fakes.stored_rows import ListReader, StoredList
from fakes.walk import following, walk_rows

CONTRACT = orders.CONTRACT
REPLICATED = dataclasses.replace(CONTRACT, replica=timedelta(hours=6))
BEGINNING = NOON - timedelta(hours=6)
_TIMES = st.integers(0, 5).map(lambda step: BEGINNING + timedelta(microseconds=step))
_KEYS = st.integers(0, 30).map(lambda number: f"k{number:02}")
_STORED = st.tuples(_KEYS, _TIMES, st.integers(-3, 3), st.sampled_from(("EUR", "USD")))
_BOUNDS = st.lists(
    st.tuples(st.just("placed_at"), st.sampled_from(("gte", "gt", "lte", "lt", "eq")), _TIMES), max_size=2
)

# A replica that is gone is loaded again by the next load.
_STEPS = ("refresh", "refresh", "refresh", "load", "grow old", "be gone")


class Scene:
    def __init__(self) -> None:
        self.clock = TurnedHands()
        self.stored = StoredList(CONTRACT, self.clock)
        self.follower = Follower(REPLICATED, self.stored, None, Timing(self.clock, self.clock.sleep))
        replicas = ReplicaReader(ListReader(self.stored), [self.follower])
        self.reader = HidingReader(replicas)
        replicas._has_begun = True
        self._times: dict[str, object] = {}

    async def turn(self, step: str) -> None:
        """Let the replica take a step; the clock may stand still."""
        if step == "grow old":
            self.clock.at += 2 * ReplicaLimits().oldest
        elif step == "be gone":
            self.follower._hold(None)
        elif step == "load":
            await self.follower.load()
        else:
            await self.follower.refresh()

    def store(self, rows: list[tuple[str, object, int, str]]) -> None:
        """Store rows, those of one key under one event time."""
        for key, time, stamped, currency in rows:
            placed = self._times.setdefault(key, time)
            row = order_row(
                order_id=key,
                placed_at=placed,
                currency=currency,
                _ingest_time=NOON + timedelta(seconds=stamped),
                _message_id=f"{len(self.stored.rows):04}",
            )
            self.stored.rows.append(row)


def expected(scene: Scene, query: Query) -> list[Row]:
    at = [CONTRACT.stored_columns.index(column) for column in query.columns]
    rows = ordered(CONTRACT, query.order, met(CONTRACT, query.filters, scene.stored.served()))
    return [tuple(row[place] for place in at) for row in rows]


@settings(max_examples=60, deadline=None)
@given(
    loaded=st.lists(_STORED, max_size=20),
    followed=st.lists(st.lists(_STORED, max_size=8), max_size=3),
    bounds=_BOUNDS,
    descending=st.booleans(),
    size=st.integers(1, 5),
)
async def test_a_walk_gives_every_row_once_however_the_rows_came(
    loaded: list[tuple[str, object, int, str]],
    followed: list[list[tuple[str, object, int, str]]],
    bounds: list[tuple[str, str, object]],
    descending: bool,
    size: int,
) -> None:
    scene = Scene()
    scene.store(loaded)
    await scene.follower.load()
    for rows in followed:
        scene.store(rows)
        await scene.follower.refresh()
    order = "-placed_at,-order_id" if descending else "placed_at,order_id"
    inside = [("placed_at", "gte", BEGINNING), *bounds]
    query = ask(CONTRACT, *inside, select="order_id,currency,placed_at", order=order, page_size=size)
    assert await walk_rows(scene.reader, query) == expected(scene, query)
    by_table = ask(CONTRACT, *inside, select="order_id,currency,placed_at", order="currency")
    assert await walk_rows(scene.reader, by_table) == expected(scene, by_table)
    await scene.follower.close()


@settings(max_examples=30, deadline=None)
@given(
    loaded=st.lists(_STORED, min_size=5, max_size=20),
    arriving=st.lists(st.tuples(st.lists(_STORED, max_size=4), st.sampled_from(_STEPS)), max_size=4),
    order=st.sampled_from(("-placed_at,-order_id", "placed_at,order_id", "-currency")),
)
async def test_a_walk_gives_what_was_there_at_its_start_wherever_it_is_continued_while_rows_arrive(
    loaded: list[tuple[str, object, int, str]],
    arriving: list[tuple[list[tuple[str, object, int, str]], str]],
    order: str,
) -> None:
    scene = Scene()
    scene.store(loaded)
    await scene.follower.load()
    query = ask(
        CONTRACT,
        ("placed_at", "gte", BEGINNING),
        select="order_id,currency,placed_at",
        order=order,
        page_size=2,
    )
    there = expected(scene, query)
    page = await scene.reader.select(query)
    assert page.tier == "replica"
    seen = list(page.rows)
    while not page.complete:
        if arriving:
            rows, step = arriving.pop()
            scene.store(rows)
            await scene.turn(step)
        page = await scene.reader.select(following(query, page))
        seen += page.rows
    assert seen == there
    await scene.follower.close()
