"""A random walk while rows are stored: a contract, rows before and between the pages, and a question.

Values are few and odd, so that they tie; keys come from one small set, so that what is stored later sorts
before, between and behind what has been read, and some of it under keys that are stored already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from exposure.contracts.model import SYSTEM_COLUMNS, Column, Contract
from exposure.contracts.types import Array, LogicalType, Object, Scalar
from exposure.query.grammar import LIST_OPERATORS, Place, comparable_columns, places
from exposure.query.model import And, Condition, Not, Operator, Or, Order, Query, Row
from fakes.declarations import EVENT_TIME, PUBLISHED_SCALARS, declared
from fakes.odd_values import NUMBERS, VALUES
from fakes.oracle import met, ordered
from fakes.rows import NOON

_JSON = ('{"m":1,"ñ":"🦜"}', '{"m":"1"}', "[1,2.5,null]", '"text"', "null", "{}")
_STRINGS = ("", "a", "A", "ab", "ñ", "n\u0303", "🦜", "\U0010ffff", "ß", "'\"`")
_STORED: dict[Scalar, tuple[Any, ...]] = VALUES | {
    Scalar.STRING: _STRINGS,
    Scalar.NUMBER: NUMBERS,
    Scalar.JSON: _JSON,
}
_KEYS: dict[Scalar, tuple[Any, ...]] = {
    Scalar.STRING: (*_STRINGS, *(f"k{number:02}" for number in range(20))),
    # The least of all are the canary's, and no reader sees them.
    Scalar.INTEGER: (-(2**62), 2**63 - 1, 2**63 - 2, *range(-10, 15)),
}
_MEMBERS = (Column("m", Scalar.INTEGER), Column("s", Scalar.STRING))
# What a pattern means is another test's, and a backslash in one the emulator does not understand.
_PATTERNS = (Operator.LIKE, Operator.MATCH)


@dataclass(frozen=True)
class RandomWalk:
    """`first` is stored before the first page, and each of `later` before one of the pages behind it."""

    query: Query
    first: Sequence[Row]
    later: Sequence[Sequence[Row]]

    @property
    def contract(self) -> Contract:
        """Return the contract asked about."""
        return self.query.contract

    def unfiltered(self) -> RandomWalk:
        """Return the walk over all rows."""
        return replace(self, query=replace(self.query, filters=()))

    def answer(self, batches: int = 0) -> list[Row]:
        """Return the rows of all pages, as they are once so many of the later batches are stored."""
        contract = self.contract
        stored = [*self.first, *(row for batch in self.later[:batches] for row in batch)]
        at = contract.stored_columns.index(contract.key_column)
        served: dict[object, Row] = {}
        for row in stored:
            served.setdefault(row[at], row)
        rows = ordered(contract, self.query.order, met(contract, self.query.filters, [*served.values()]))
        wanted = [contract.stored_columns.index(column) for column in self.query.columns]
        return [tuple(row[index] for index in wanted) for row in rows]


@st.composite
def random_walks(draw: st.DrawFn, *, emulated: bool = False) -> RandomWalk:
    """Draw a walk; `emulated` leaves out what the emulator of BigQuery does not do as BigQuery.

    To it NaN is the greatest number, JSON within arrays and objects is JSON of its text, and a path into
    JSON fails where that is no object. Each key then has one event time: on BigQuery a bound on it acts
    before the rows of a key are made one.
    """
    contract = draw(_contracts(emulated=emulated))
    asked = [one for one in places(contract) if not (emulated and one.within and one.column.members)]
    rows = _rows(contract, with_nan=not emulated)
    first = draw(st.lists(rows, min_size=4, max_size=20))
    later = draw(st.lists(st.lists(rows, min_size=1, max_size=6), min_size=1, max_size=4))
    numbered = iter(range(10_000))
    batches = _of_one_time(contract, (first, *later)) if emulated else (first, *later)
    stamped = [[_stamped(row, next(numbered)) for row in batch] for batch in batches]
    query = Query(
        contract=contract,
        columns=tuple(draw(st.permutations(contract.stored_columns))),
        filters=tuple(draw(st.lists(_conditions(asked), max_size=2))),
        order=draw(_orders(contract)),
        page_size=draw(st.integers(1, 6)),
    )
    return RandomWalk(query, stamped[0], stamped[1:])


@st.composite
def _contracts(draw: st.DrawFn, *, emulated: bool) -> Contract:
    key = Column("id", draw(st.sampled_from([*_KEYS])))
    types = draw(st.lists(_types(emulated=emulated), max_size=6))
    columns = [_column(draw, f"c{index}", kind) for index, kind in enumerate(types)]
    return declared(columns=tuple(draw(st.permutations([key, EVENT_TIME, *columns]))))


def _types(*, emulated: bool) -> st.SearchStrategy[LogicalType]:
    scalars = st.sampled_from(PUBLISHED_SCALARS)
    inner = st.sampled_from([one for one in PUBLISHED_SCALARS if not (emulated and one is Scalar.JSON)])
    objects = st.builds(_object, inner, inner)
    # Mostly what can be ordered by.
    return st.one_of(scalars, scalars, scalars, objects, st.builds(Array, inner | objects))


def _object(one: Scalar, other: Scalar) -> Object:
    return Object((Column("x", one), Column("y", other, nullable=True)))


def _column(draw: st.DrawFn, name: str, kind: LogicalType) -> Column:
    members = _MEMBERS if kind is Scalar.JSON else ()
    nullable = not isinstance(kind, Array) and draw(st.booleans())
    return Column(name, kind, nullable=nullable, members=members)


def _rows(contract: Contract, *, with_nan: bool) -> st.SearchStrategy[Row]:
    """Return a row's own values; those of the system columns follow from when it is stored."""
    own = (
        st.sampled_from(_KEYS[column.type])  # type: ignore[index]  # a key is a scalar
        if column.name == contract.key
        else _values(column, with_nan=with_nan)
        for column in contract.columns
    )
    return st.tuples(*own)


def _values(column: Column, *, with_nan: bool) -> st.SearchStrategy[Any]:
    values = _of_type(column.type, with_nan=with_nan)
    return st.none() | values if column.nullable else values


def _of_type(kind: LogicalType, *, with_nan: bool) -> st.SearchStrategy[Any]:
    if isinstance(kind, Array):
        return st.lists(_of_type(kind.of, with_nan=with_nan), max_size=3)
    if isinstance(kind, Object):
        return st.fixed_dictionaries({one.name: _values(one, with_nan=with_nan) for one in kind.fields})
    # NaN alone is unequal to itself.
    return st.sampled_from([one for one in _STORED[kind] if with_nan or one == one])  # noqa: PLR0124


def _of_one_time(contract: Contract, batches: Sequence[Sequence[Row]]) -> list[list[Row]]:
    """Return the rows, each with the event time that the first row of its key has."""
    key, time = (contract.columns.index(one) for one in (contract.key_column, EVENT_TIME))
    times: dict[object, object] = {}
    for row in (row for batch in batches for row in batch):
        times.setdefault(row[key], row[time])
    return [[(*row[:time], times[row[key]], *row[time + 1 :]) for row in batch] for batch in batches]


def _stamped(row: Row, number: int) -> Row:
    """Return the stored row: the earlier one is ingested earlier, which decides between rows of a key."""
    at = NOON + timedelta(seconds=number)
    system = {"_message_id": str(number), "_publish_time": at, "_ingest_time": at, "_extra": None}
    return (*row, *(system[column.name] for column in SYSTEM_COLUMNS))


@st.composite
def _conditions(draw: st.DrawFn, asked: Sequence[Place]) -> Condition:
    one, other = draw(_filters(asked)), draw(_filters(asked))
    return draw(
        st.sampled_from([one, Not(one), Or((one, other)), Or((one, Not(other))), And((one, Not(other)))])
    )


@st.composite
def _filters(draw: st.DrawFn, asked: Sequence[Place]) -> Condition:
    place = draw(st.sampled_from(asked))
    operator = draw(st.sampled_from([one for one in place.operators if one not in _PATTERNS]))
    return place.filter(operator, draw(_compared(place, operator)))


def _compared(place: Place, operator: Operator) -> st.SearchStrategy[Any]:
    if operator is Operator.ISNULL or place.scalar is None:
        return st.booleans()
    values = st.sampled_from(VALUES[place.scalar])
    return st.lists(values, min_size=1, max_size=3).map(tuple) if operator in LIST_OPERATORS else values


@st.composite
def _orders(draw: st.DrawFn, contract: Contract) -> tuple[Order, ...]:
    """Draw an order that ends with the key, wherever it stands."""
    columns = draw(st.lists(st.sampled_from(comparable_columns(contract)), unique=True, max_size=3))
    if contract.key_column not in columns:
        columns.append(contract.key_column)
    return tuple(
        Order(column, draw(st.booleans()), column.nullable and draw(st.booleans())) for column in columns
    )
