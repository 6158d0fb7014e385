"""From the parameters of a request to a `Query`, or to everything that is wrong with them.

Strict on purpose: whatever is unknown, mistyped or given twice is refused before the warehouse is asked,
with the values that would be right. Nothing is guessed, coerced or ignored.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeVar

from exposure.contracts.model import Column, Contract
from exposure.query.arrangement import parse_order, parse_page_size, parse_select
from exposure.query.errors import BadQuery, ParameterError, wrong
from exposure.query.filters import parse_filter
from exposure.query.grammar import (
    DEFAULT_PAGE_SIZE,
    EXPORT_PARAMETERS,
    FORMAT,
    MAX_FILTERS,
    MAX_PAGE_SIZE,
    ORDER,
    PAGE_SIZE,
    PAGE_TOKEN,
    SELECT,
    SYSTEM_PARAMETERS,
    WHERE,
)
from exposure.query.model import Condition, Query, comparisons
from exposure.query.names import Names, names_of
from exposure.query.page_token import BadPageToken, continue_query
from exposure.query.time_bound import refuse_unbounded
from exposure.query.where import parse_where

_OF_ONE_ROW = (SELECT, FORMAT)
T = TypeVar("T")
D = TypeVar("D")


def parse_query(
    contract: Contract, parameters: Iterable[tuple[str, str]], open_token: Callable[[str], bytes]
) -> Query:
    """Return the question the parameters, in the order of the URL, ask of the contract's rows.

    `open_token` returns what a page token seals and raises BadPageToken. Raises BadQuery.
    """
    names = names_of(contract, SYSTEM_PARAMETERS, filters=True)
    attempts = Attempts()
    words, filters = part_parameters(names, list(parameters), attempts)
    query = Query(
        contract=contract,
        columns=attempts.make(lambda: parse_select(names, words.get(SELECT)), ()),
        filters=tuple(filters),
        order=attempts.make(lambda: parse_order(names, words.get(ORDER)), ()),
        page_size=attempts.make(lambda: parse_page_size(words.get(PAGE_SIZE)), DEFAULT_PAGE_SIZE),
    )
    token = words.get(PAGE_TOKEN)
    content = None if token is None else attempts.make(lambda: _of_token(open_token, token), b"")
    attempts.raise_errors()
    return query if content is None else _of_token(functools.partial(continue_query, query), content)


def parse_export(contract: Contract, parameters: Iterable[tuple[str, str]]) -> Query:
    """Return the question for all rows at once: without pages, and without an order unless one is asked for.

    Raises BadQuery.
    """
    names = names_of(contract, EXPORT_PARAMETERS, filters=True)
    attempts = Attempts()
    words, filters = part_parameters(names, list(parameters), attempts)
    order = words.get(ORDER)
    query = Query(
        contract=contract,
        columns=attempts.make(lambda: parse_select(names, words.get(SELECT)), ()),
        filters=tuple(filters),
        order=() if order is None else attempts.make(lambda: parse_order(names, order), ()),
        page_size=MAX_PAGE_SIZE,
    )
    attempts.raise_errors()
    return query


def parse_selection(contract: Contract, parameters: Iterable[tuple[str, str]]) -> tuple[Column, ...]:
    """Return the columns to answer with when a row is asked for by its key; raises BadQuery."""
    names, given = names_of(contract, _OF_ONE_ROW, filters=False), list(parameters)
    if not given:
        return parse_select(names, None)
    attempts = Attempts()
    words, _ = part_parameters(names, given, attempts)
    columns = attempts.make(lambda: parse_select(names, words.get(SELECT)), ())
    attempts.raise_errors()
    return columns


class Attempts:
    """Collects what goes wrong, so that one answer names all of it."""

    def __init__(self) -> None:
        self._errors: list[ParameterError] = []

    def make(self, parse: Callable[[], T], default: D) -> T | D:
        """Return what `parse` returns, or the default when it raises BadQuery."""
        try:
            return parse()
        except BadQuery as bad:
            self._errors.extend(bad.errors)
            return default

    @property
    def have_failed(self) -> bool:
        """Return whether any attempt has failed."""
        return bool(self._errors)

    def raise_errors(self) -> None:
        """Raise BadQuery when any attempt has failed."""
        if self._errors:
            raise BadQuery(self._errors)


def part_parameters(
    names: Names, parameters: list[tuple[str, str]], attempts: Attempts
) -> tuple[dict[str, str], list[Condition]]:
    """Part the words of the grammar, each of which may be there once, from filters, those in `where` too."""
    _bound(names, parameters)
    words: dict[str, str] = {}
    filters: list[Condition] = []
    for name, text in parameters:
        if name not in names.words:
            filters.extend(attempts.make(functools.partial(_filter, names, name, text), ()))
        elif name in words:
            attempts.make(functools.partial(_refuse_twin, name), None)
        else:
            words[name] = text
            if name == WHERE:
                filters.extend(attempts.make(functools.partial(parse_where, names, text), ()))
    attempts.make(functools.partial(_bound_comparisons, filters), None)
    # A bound that is there but mistyped is not also missing.
    if not attempts.have_failed and names.filterable:
        attempts.make(functools.partial(refuse_unbounded, names.contract, filters), None)
    return words, filters


def _filter(names: Names, name: str, text: str) -> tuple[Condition, ...]:
    return (parse_filter(names, name, text),)


def _bound(names: Names, parameters: list[tuple[str, str]]) -> None:
    """Refuse what is too much to be looked at: each error lists what is allowed, and work is bounded."""
    filters = [name for name, _ in parameters if name not in names.words]
    if len(filters) > MAX_FILTERS:
        message = f"a question has {MAX_FILTERS} filters at most, this one {len(filters)}"
        raise wrong(filters[MAX_FILTERS], "TOO_MANY_FILTERS", message)
    counts = Counter(name for name, _ in parameters)
    for name in names.words:
        count = counts[name]
        if count > MAX_FILTERS:
            raise wrong(name, "REPEATED", f"'{name}' may be given once, not {count} times")


def _bound_comparisons(filters: list[Condition]) -> None:
    count = sum(1 for _ in comparisons(*filters))
    if count > MAX_FILTERS:
        message = f"a question has {MAX_FILTERS} comparisons at most, this one {count}"
        raise wrong(WHERE, "TOO_MANY_FILTERS", message)


def _refuse_twin(name: str) -> None:
    raise wrong(name, "REPEATED", f"'{name}' may be given once")


def _of_token(read: Callable[[D], T], token: D) -> T:
    """Return what is read of a page token, its errors named after the parameter."""
    try:
        return read(token)
    except BadPageToken as bad:
        raise wrong(PAGE_TOKEN, bad.code, str(bad)) from bad
