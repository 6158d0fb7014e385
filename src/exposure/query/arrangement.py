"""Which columns, in which order, how many rows: the words of a question that do not depend on values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from exposure.contracts.model import Column
from exposure.query.errors import BadQuery, ParameterError, nearest, shown, wrong
from exposure.query.grammar import (
    DEFAULT_PAGE_SIZE,
    MAX_ORDER_COLUMNS,
    MAX_PAGE_SIZE,
    ORDER,
    PAGE_SIZE,
    SELECT,
)
from exposure.query.model import Order
from exposure.query.names import Names

_DESCENDING = "-"
NULLS_FIRST, NULLS_LAST = "nullsfirst", "nullslast"


def parse_select(names: Names, text: str | None) -> tuple[Column, ...]:
    """Return the columns to answer with: without the parameter, those the contract declares."""
    if text is None:
        return names.contract.columns
    texts = text.split(",")
    if len(texts) > len(names.stored):
        raise wrong(SELECT, "TOO_MANY_COLUMNS", f"'{SELECT}' names more columns than there are")
    return _columns(names, SELECT, texts, names.stored)


def parse_order(names: Names, text: str | None) -> tuple[Order, ...]:
    """Return the order, ending with the key: without the parameter, the newest event first.

    Each entry is a column, `-` in front for descending; `.nullsfirst` or `.nullslast` behind it says where
    rows without a value stand, which is else where the smallest value would.
    """
    entries = [f"-{names.contract.event_time}"] if text is None else text.split(",")
    if len(entries) > MAX_ORDER_COLUMNS:
        raise wrong(
            ORDER, "TOO_MANY_COLUMNS", f"a question is ordered by {MAX_ORDER_COLUMNS} columns at most"
        )
    parts = [entry.removeprefix(_DESCENDING).partition(".") for entry in entries]
    columns = _columns(names, ORDER, [name for name, _, _ in parts], names.comparable)
    orders = [
        _order(column, entry.startswith(_DESCENDING), f"{dot}{nulls}")
        for column, entry, (_, dot, nulls) in zip(columns, entries, parts, strict=True)
    ]
    key = names.contract.key_column
    if key in columns:
        # Behind the key nothing can differ any more.
        return tuple(orders[: columns.index(key) + 1])
    return (*orders, Order(key, descending=orders[-1].descending))


def _order(column: Column, descending: bool, nulls: str) -> Order:  # noqa: FBT001 (read from one entry)
    places = {f".{NULLS_FIRST}": descending, f".{NULLS_LAST}": not descending, "": False}
    if nulls not in places:
        allowed = (f"{column.name}.{NULLS_FIRST}", f"{column.name}.{NULLS_LAST}")
        message = f"'{column.name}' may be followed by .{NULLS_FIRST} or .{NULLS_LAST}, not '{shown(nulls)}'"
        suggestion = nearest(f"{column.name}{nulls}", allowed)
        raise wrong(ORDER, "WRONG_VALUE", message, allowed=allowed, suggestion=suggestion)
    return Order(column, descending, nulls_greatest=places[nulls])


def parse_page_size(text: str | None) -> int:
    """Return how many rows a page holds."""
    if text is None:
        return DEFAULT_PAGE_SIZE
    if text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= MAX_PAGE_SIZE:
        return int(text)
    message = f"'{PAGE_SIZE}' is an integer from 1 to {MAX_PAGE_SIZE}, not '{shown(text)}'"
    too_many = text.isascii() and text.isdecimal() and text.strip("0") != ""
    suggestion = str(MAX_PAGE_SIZE) if too_many else None
    raise wrong(PAGE_SIZE, "WRONG_VALUE", message, suggestion=suggestion)


def _columns(
    names: Names, parameter: str, texts: Iterable[str], known: Mapping[str, Column]
) -> tuple[Column, ...]:
    """Return the named columns; raises BadQuery with every name that is none or is there twice."""
    columns: dict[str, Column] = {}
    errors: list[ParameterError] = []
    for text in texts:
        if text not in known:
            errors.extend(names.unknown_column(parameter, text, tuple(known)).errors)
        elif text in columns:
            errors.append(ParameterError(parameter, "REPEATED", f"'{parameter}' names '{text}' twice"))
        else:
            columns[text] = known[text]
    if errors:
        raise BadQuery(errors)
    return tuple(columns.values())
