"""From the parameters of a request to a `Query`, or to everything that is wrong with them.

Strict on purpose: whatever is unknown, mistyped or given twice is refused before the warehouse is asked,
with the values that would be right. Nothing is guessed, coerced or ignored.
"""

from __future__ import annotations

import csv
import functools
import io
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar

from exposure.contracts.model import Column, Contract
from exposure.contracts.types import describe
from exposure.query.errors import (
    BadQuery,
    ParameterError,
    WrongParameter,
    nearest,
    shown,
    unknown_column,
    wrong,
)
from exposure.query.grammar import (
    DEFAULT_PAGE_SIZE,
    MAX_FILTERS,
    MAX_IN_VALUES,
    MAX_ORDER_COLUMNS,
    MAX_PAGE_SIZE,
    ORDER,
    PAGE_SIZE,
    PAGE_TOKEN,
    SELECT,
    SYSTEM_PARAMETERS,
    comparable_columns,
    operators_of,
    scalar_of,
)
from exposure.query.model import Filter, Operator, Order, Query
from exposure.query.page_token import BadPageToken, read_position
from exposure.query.values import EXPECTED, parse_value

T = TypeVar("T")
D = TypeVar("D")


def parse_query(
    contract: Contract, parameters: Iterable[tuple[str, str]], open_token: Callable[[str], bytes]
) -> Query:
    """Return the question the parameters ask of the contract's rows.

    `open_token` returns what a page token seals and raises BadPageToken. Raises BadQuery.
    """
    return _Parser(contract, list(parameters), open_token).parse()


def parse_selection(contract: Contract, parameters: Iterable[tuple[str, str]]) -> tuple[Column, ...]:
    """Return the columns to answer with when a row is asked for by its key; raises BadQuery."""
    return _Parser(contract, list(parameters), None, words=(SELECT,)).selection()


class _Parser:
    def __init__(
        self,
        contract: Contract,
        parameters: list[tuple[str, str]],
        open_token: Callable[[str], bytes] | None,
        words: tuple[str, ...] = SYSTEM_PARAMETERS,
    ) -> None:
        self._contract = contract
        self._parameters = parameters
        self._open_token = open_token
        self._words = words
        self._errors: list[ParameterError] = []
        self._stored = {column.name: column for column in contract.stored_columns}
        self._comparable = {column.name: column for column in comparable_columns(contract)}

    def parse(self) -> Query:
        scalars, filters = self._sort()
        query = Query(
            contract=self._contract,
            columns=self._attempt(lambda: self._select(scalars.get(SELECT)), self._contract.columns),
            filters=tuple(filters),
            order=self._attempt(lambda: self._order(scalars.get(ORDER)), self._order(None)),
            page_size=self._attempt(lambda: _page_size(scalars.get(PAGE_SIZE)), DEFAULT_PAGE_SIZE),
        )
        self._raise_errors()
        token = scalars.get(PAGE_TOKEN)
        if token is not None:
            query = self._attempt(lambda: self._go_on(query, token), query)
        self._raise_errors()
        return query

    def selection(self) -> tuple[Column, ...]:
        scalars, _ = self._sort()
        columns = self._attempt(lambda: self._select(scalars.get(SELECT)), self._contract.columns)
        self._raise_errors()
        return columns

    def _raise_errors(self) -> None:
        if self._errors:
            raise BadQuery(self._errors)

    def _attempt(self, parse: Callable[[], T], default: D) -> T | D:
        try:
            return parse()
        except WrongParameter as wrong:
            self._errors.append(wrong.error)
            return default

    def _sort(self) -> tuple[dict[str, str], list[Filter]]:
        """Part the system parameters from the filters; a system parameter may be there once."""
        scalars: dict[str, str] = {}
        filters: list[Filter] = []
        for name, value in self._parameters:
            if name not in self._words:
                found = self._attempt(functools.partial(self._filter, name, value), None)
                filters.extend([found] if found else [])
            elif name in scalars:
                self._errors.append(ParameterError(name, "REPEATED", f"'{name}' may be given once"))
            else:
                scalars[name] = value
        if len(filters) > MAX_FILTERS:
            message = f"a question has {MAX_FILTERS} filters at most, this one {len(filters)}"
            self._errors.append(ParameterError(filters[-1].column.name, "TOO_MANY_FILTERS", message))
        return scalars, filters

    # -- filters

    def _filter(self, name: str, text: str) -> Filter:
        column_name, dot, operator_name = name.rpartition(".")
        column = self._comparable.get(column_name) if dot and PAGE_TOKEN in self._words else None
        if column is None:
            raise self._unknown(name)
        allowed = operators_of(column.type)
        if operator_name not in allowed:
            raise wrong(
                name,
                "UNKNOWN_OPERATOR",
                f"'{column_name}' is {describe(column.type)} and has no operator '{shown(operator_name)}'",
                allowed=tuple(f"{column_name}.{operator}" for operator in allowed),
            )
        operator = Operator(operator_name)
        value = _values(name, column, text) if operator is Operator.IN else _value(name, column, text)
        return Filter(column, operator, value)

    def _unknown(self, name: str) -> WrongParameter:
        """Return what to say of a parameter that is neither a word of the grammar nor a filter."""
        filters = [
            f"{column.name}.{operator}"
            for column in self._comparable.values()
            for operator in operators_of(column.type)
        ]
        known = [*self._words, *(filters if PAGE_TOKEN in self._words else [])]
        bare = name.rpartition(".")[0] or name
        if name in self._comparable and len(known) > len(self._words):
            suggestion: str | None = f"{name}.eq"
        else:
            suggestion = nearest(name, known)
        stored = self._stored.get(bare)
        if stored is not None and bare not in self._comparable:
            message = f"'{bare}' is {describe(stored.type)} and cannot be filtered"
        elif name in self._comparable:
            message = f"'{name}' is a column; a filter names its operator too"
        else:
            message = f"there is no parameter '{shown(name)}'"
        return wrong(name, "UNKNOWN_PARAMETER", message, allowed=tuple(known), suggestion=suggestion)

    # -- select, order, page

    def _select(self, text: str | None) -> tuple[Column, ...]:
        if text is None:
            return self._contract.columns
        names = text.split(",")
        for name in names:
            if name not in self._stored:
                raise unknown_column(SELECT, name, tuple(self._stored))
        if len(set(names)) < len(names):
            raise wrong(SELECT, "REPEATED", "a column is selected twice")
        return tuple(self._stored[name] for name in names)

    def _order(self, text: str | None) -> tuple[Order, ...]:
        newest_first = f"-{self._contract.event_time}"
        entries = [self._order_entry(entry) for entry in (newest_first if text is None else text).split(",")]
        names = [entry.column.name for entry in entries]
        if len(set(names)) < len(names):
            raise wrong(ORDER, "REPEATED", "a column is ordered by twice")
        if len(entries) > MAX_ORDER_COLUMNS:
            raise wrong(ORDER, "TOO_MANY_COLUMNS", f"order has {MAX_ORDER_COLUMNS} columns at most")
        key = self._contract.key_column
        if key.name in names:
            # Behind the key nothing can differ any more.
            return tuple(entries[: names.index(key.name) + 1])
        return (*entries, Order(key, descending=entries[-1].descending))

    def _order_entry(self, text: str) -> Order:
        name = text.removeprefix("-")
        column = self._comparable.get(name)
        if column is None:
            raise unknown_column(ORDER, name, tuple(self._comparable))
        return Order(column, descending=text.startswith("-"))

    def _go_on(self, query: Query, token: str) -> Query:
        if self._open_token is None:
            raise self._unknown(PAGE_TOKEN)
        try:
            return replace(query, after=read_position(query, self._open_token(token)))
        except BadPageToken as error:
            raise wrong(PAGE_TOKEN, error.code, str(error)) from error


def _page_size(text: str | None) -> int:
    if text is None:
        return DEFAULT_PAGE_SIZE
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= MAX_PAGE_SIZE):
        raise wrong(
            PAGE_SIZE, "OUT_OF_RANGE", f"page_size is 1 to {MAX_PAGE_SIZE}", allowed=("1", str(MAX_PAGE_SIZE))
        )
    return int(text)


def _values(name: str, column: Column, text: str) -> tuple[object, ...]:
    """Return the values of an `in`: comma-separated, each quoted as in CSV where it holds a comma."""
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise wrong(name, "WRONG_VALUE", f"'{name}': the list is no line of CSV") from error
    if len(lines) != 1:
        raise wrong(name, "WRONG_VALUE", f"'{name}' needs one list of values, separated by commas")
    if len(lines[0]) > MAX_IN_VALUES:
        raise wrong(name, "TOO_MANY_VALUES", f"'{name}' takes {MAX_IN_VALUES} values at most")
    return tuple(_value(name, column, value) for value in lines[0])


def _value(name: str, column: Column, text: str) -> object:
    scalar = scalar_of(column)
    try:
        if not text:
            raise ValueError("empty")
        return parse_value(scalar, text)
    except (ValueError, KeyError) as error:
        message = f"'{name}' needs {EXPECTED[scalar]}, not '{shown(text)}'"
        raise wrong(name, "WRONG_VALUE", message) from error
