"""Answers what replicas can and passes everything else on: is a Reader, in front of one.

A replica answers a question that bounds the event time to what it holds, or asks for a row it holds by its
key, if everything in it is on the closed list of `exposure.warehouse.replica.proven`. One that is too old, is
still loaded or fails is passed by: the answer then takes longer, and is the same. None holds canaries, so a
question that may mean one is passed on, and no other has to look past them.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import TypeVar

from exposure.query.aggregate import Aggregation
from exposure.query.canaries import of_no_canaries
from exposure.query.model import Query
from exposure.warehouse.pages import cut_page
from exposure.warehouse.port import REPLICA, Groups, Page, Plan, Reader, RowStream, WarehouseError
from exposure.warehouse.replica.asked import Asked, asked_of, is_by_time
from exposure.warehouse.replica.copy import Copy
from exposure.warehouse.replica.follower import Follower
from exposure.warehouse.replica.pinned import is_known, moment_of, numbered, pinned
from exposure.warehouse.replica.proven import is_proven

Answer = TypeVar("Answer", Page, Groups, Plan)
Question = TypeVar("Question", bound=Query | Aggregation)
_LOG = logging.getLogger(__name__)
_BY_KEY, _BY_TIME = "the row of the key", "the rows of the event times, in their order"


class ReplicaReader:
    """Asks replicas first; they begin to load with the first question, whatever it is about."""

    def __init__(self, reader: Reader, followers: Sequence[Follower]) -> None:
        self._reader = reader
        self._followers = {one.contract.name: one for one in followers}
        self._has_begun = False

    async def select(self, query: Query) -> Page:
        """Return one page; see `Reader`."""
        answering = self._answering(query)
        if answering is None:
            return await self._reader.select(query)
        copy, meant, asked = answering
        page = _page_at_once(copy, meant, asked)
        if page is not None:
            return page
        moment, of_moment = moment_of(copy, meant), pinned(copy, meant)
        page = await _answer(copy, of_moment, copy.table.reader.select(numbered(copy, of_moment)), asked)
        if page is None:
            return await self._reader.select(query)
        return replace(page, snapshot=moment, tier=REPLICA)

    async def aggregate(self, aggregation: Aggregation) -> Groups:
        """Return the groups; see `Reader`."""
        groups = await self._groups(aggregation)
        return await self._reader.aggregate(aggregation) if groups is None else groups

    async def estimate(self, counted: Aggregation) -> Groups:
        """Return the exact number of rows that are held, else what the reader estimates."""
        # Of all rows the reader knows the number without reading any.
        groups = await self._groups(counted) if counted.filters else None
        return await self._reader.estimate(counted) if groups is None else groups

    async def explain(self, question: Query | Aggregation) -> Plan:
        """Return what would be run, here or behind; see `Reader`."""
        answering = self._answering(question)
        if answering is None:
            return await self._reader.explain(question)
        copy, meant, asked = answering
        at_once = _found_at_once(copy, meant, asked) if isinstance(meant, Query) else None
        if at_once is not None:
            return Plan(REPLICA, at_once, {}, 0)
        of_moment = pinned(copy, meant) if isinstance(meant, Query) else meant
        plan = await _answer(copy, of_moment, copy.table.reader.explain(numbered(copy, of_moment)), asked)
        return await self._reader.explain(question) if plan is None else replace(plan, engine=REPLICA)

    async def stream(self, query: Query) -> RowStream:
        """Return all rows from the reader: what is large is not worth the memory of two."""
        self._begin()
        return await self._reader.stream(query)

    async def close(self) -> None:
        """Forget the replicas and close the reader."""
        for follower in self._followers.values():
            await follower.close()
        await self._reader.close()

    async def _groups(self, aggregation: Aggregation) -> Groups | None:
        answering = self._answering(aggregation)
        if answering is None:
            return None
        copy, meant, asked = answering
        as_of = moment_of(copy, meant).at
        groups = await _answer(copy, meant, copy.table.aggregate(numbered(copy, meant)), asked)
        return None if groups is None else replace(groups, as_of=as_of, tier=REPLICA)

    def _begin(self) -> None:
        if not self._has_begun:
            self._has_begun = True
            for follower in self._followers.values():
                follower.begin()

    def _answering(self, question: Question) -> tuple[Copy, Question, Asked] | None:
        """Return the copy that may answer the question, what the question is to it, and asks of it."""
        self._begin()
        follower = self._followers.get(question.contract.name)
        copy = follower.copy if follower is not None else None
        meant = of_no_canaries(question) if copy is not None else None
        if copy is None or meant is None:
            return None
        asked = asked_of(meant)
        return (copy, meant, asked) if _may_answer(copy, meant, asked) else None


def _may_answer(copy: Copy, question: Query | Aggregation, asked: Asked) -> bool:
    if not is_known(copy, question) or not is_proven(question, copy.table.plain_numbers.names):
        return False
    is_of_held_key = asked.key is not None and asked.span.is_whole and copy.holds(asked.key)
    return is_of_held_key or copy.covers(asked.span)


def _found_at_once(copy: Copy, query: Query, asked: Asked) -> str | None:
    """Return how the answer is found without the table, None when it is not."""
    is_alone = len(query.filters) == 1 and query.after is None and query.snapshot is None
    if is_alone and asked.key is not None and copy.holds(asked.key):
        return _BY_KEY
    return _BY_TIME if not asked.rest and is_by_time(query) else None


def _page_at_once(copy: Copy, query: Query, asked: Asked) -> Page | None:
    found = _found_at_once(copy, query, asked)
    if found is None:
        return None
    if found == _BY_KEY and asked.key is not None:
        row = copy.row(asked.key, query.columns)
        return Page([row], complete=True, last=None, snapshot=copy.moment, bytes_billed=0, tier=REPLICA)
    page = cut_page(query, copy.page(query, asked.span), moment_of(copy, query), bytes_billed=0)
    return replace(page, tier=REPLICA)


async def _answer(
    copy: Copy, question: Query | Aggregation, asking: Awaitable[Answer], asked: Asked
) -> Answer | None:
    """Return the answer, None when there is none here: the reader behind may have one, or the right error."""
    try:
        with copy.used():
            answer = await asking
            # Rows that came meanwhile may be such that it must not be answered here.
            return answer if _may_answer(copy, question, asked) else None
    except WarehouseError as error:
        _LOG.info("a replica passes a question on: %s", error)
        return None
