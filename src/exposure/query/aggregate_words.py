"""The parts the parameters of groups and of facets are read with: bounded lists of names, how many groups."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TypeVar

from exposure.query.aggregate_grammar import FOREIGN_WORDS, TOP
from exposure.query.errors import BadQuery, ParameterError, shown, wrong
from exposure.query.names import Names
from exposure.query.parse import Attempts

T = TypeVar("T")
Pairs = list[tuple[str, str]]


def parse_top(text: str | None, usual: int, most: int) -> int:
    """Return how many groups the answer holds at most; raises BadQuery."""
    if text is None:
        return usual
    if text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most:
        return int(text)
    message = f"'{TOP}' is an integer from 1 to {most}, not '{shown(text)}'"
    too_many = text.isascii() and text.isdecimal() and text.strip("0") != ""
    raise wrong(TOP, "WRONG_VALUE", message, suggestion=str(most) if too_many else None)


def each_name(find: Callable[[str, str], T], parameter: str, text: str, most: int) -> tuple[T, ...]:
    """Return what each name between the commas means; raises BadQuery with every one that is wrong."""
    texts = text.split(",")
    if len(texts) > most:
        raise wrong(parameter, "TOO_MANY", f"'{parameter}' takes {most} at most, not {len(texts)}")
    found: dict[str, T] = {}
    errors: list[ParameterError] = []
    for one in texts:
        try:
            meant = find(parameter, one)
        except BadQuery as bad:
            errors.extend(bad.errors)
            continue
        if one in found:
            errors.append(ParameterError(parameter, "REPEATED", f"'{parameter}' names '{one}' twice"))
        found[one] = meant
    if errors:
        raise BadQuery(errors)
    return tuple(found.values())


def without_foreign(names: Names, parameters: Pairs, attempts: Attempts) -> Pairs:
    """Return the parameters without the words of other APIs, for each of which ours is suggested."""
    kept: Pairs = []
    for name, text in parameters:
        ours = FOREIGN_WORDS.get(name.casefold())
        if name in names.words or name in names.stored or ours not in names.words:
            kept.append((name, text))
        else:
            attempts.make(functools.partial(_refuse_foreign, name, ours, names.words), None)
    return kept


def _refuse_foreign(name: str, ours: str, words: tuple[str, ...]) -> None:
    message = f"there is no parameter '{shown(name)}'"
    raise wrong(name, "UNKNOWN_PARAMETER", message, allowed=words, suggestion=ours)
