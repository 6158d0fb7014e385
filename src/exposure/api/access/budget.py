"""How many bytes one caller's questions may bill in a day, whatever they ask: checked before, charged after.

A caller whose budget is spent is still given what costs nothing, such as answers that are kept. Questions
asked at the same time are all checked before the first of them is charged, so a budget is overdrawn by what a
few questions may bill. Days are those of UTC. Nobody known pays by their address, or a budget would be
escaped by leaving the credential out.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from exposure.api.access.rate_limit import Buckets
from exposure.api.problems import BUDGET_SPENT, Problem
from exposure.clock import now
from exposure.query.aggregate import Aggregation
from exposure.query.model import Query
from exposure.warehouse.port import Groups, Page, Plan, Reader, RowStream

_NAME = "bytes"
_DAY_SECONDS = 86_400


@dataclass(frozen=True)
class ByteBudget:
    """The budget of every caller, and where it is counted."""

    bytes_a_day: int
    buckets: Buckets
    clock: Callable[[], datetime] = now

    def account(self, subject: str) -> Account:
        """Return the account of one caller, for one request."""
        return Account(self, subject)


class Account:
    """What one caller has spent; known once something was asked for them."""

    def __init__(self, budget: ByteBudget, subject: str) -> None:
        self._budget = budget
        self._subject = subject
        self._spent: int | None = None

    async def check(self) -> None:
        """Raise a Problem when nothing is left."""
        await self._spend(0)
        if not self._left:
            raise Problem(
                BUDGET_SPENT,
                f"the questions of this caller billed {self._budget.bytes_a_day} bytes or more today",
                members={"violated-policies": [_NAME]},
                retry_after=timedelta(seconds=self._seconds_left()),
            )

    async def charge(self, bytes_billed: int) -> None:
        """Count what a question billed."""
        if bytes_billed:
            await self._spend(bytes_billed)

    def added_to(self, fields: Mapping[str, str]) -> dict[str, str]:
        """Return the fields of the rate limits with this account's beside them, once it is known."""
        if self._spent is None:
            return dict(fields)
        policy = f'"{_NAME}";q={self._budget.bytes_a_day};qu="billed-bytes";w={_DAY_SECONDS}'
        limit = f'"{_NAME}";r={self._left};t={self._seconds_left()}'
        said = {"RateLimit-Policy": policy, "RateLimit": limit}
        return {**fields, **{name: ", ".join(_with(fields.get(name), own)) for name, own in said.items()}}

    @property
    def _left(self) -> int:
        return max(0, self._budget.bytes_a_day - (self._spent or 0))

    def _seconds_left(self) -> int:
        moment = self._budget.clock()
        begun = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        return math.ceil((begun + timedelta(days=1) - moment).total_seconds())

    async def _spend(self, amount: int) -> None:
        purse = f"{_NAME}:{self._budget.clock():%Y-%m-%d}:{self._subject}"
        self._spent = await self._budget.buckets.spend(purse, amount, _DAY_SECONDS)


class _Billed(Protocol):
    @property
    def bytes_billed(self) -> int: ...


B = TypeVar("B", bound=_Billed)
# Set by the access layer for each request, like the view in force; None where nobody pays.
PAYER: ContextVar[Account | None] = ContextVar("payer", default=None)


class PayingReader:
    """Asks a reader at the cost of whoever pays. Is a Reader."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def select(self, query: Query) -> Page:
        """Return one page; raises the Problem of a budget that is spent."""
        return await _paid(lambda: self._reader.select(query))

    async def aggregate(self, aggregation: Aggregation) -> Groups:
        """Return the groups; raises as `select` does."""
        return await _paid(lambda: self._reader.aggregate(aggregation))

    async def estimate(self, counted: Aggregation) -> Groups:
        """Return about how many rows there are; raises as `select` does."""
        return await _paid(lambda: self._reader.estimate(counted))

    async def stream(self, query: Query) -> RowStream:
        """Return all rows the query means, paid for before they are read; raises as `select` does."""
        return await _paid(lambda: self._reader.stream(query))

    async def explain(self, question: Query | Aggregation) -> Plan:
        """Return what would be run, which costs nothing."""
        return await self._reader.explain(question)

    async def close(self) -> None:
        """Close the reader."""
        await self._reader.close()


async def _paid(ask: Callable[[], Awaitable[B]]) -> B:
    account = PAYER.get()
    if account is None:
        return await ask()
    await account.check()
    answer = await ask()
    await account.charge(answer.bytes_billed)
    return answer


def _with(field: str | None, own: str) -> list[str]:
    return [own] if field is None else [field, own]
