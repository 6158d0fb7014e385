"""What a request asks for beside its rows: how many there are, or what would be run instead of running it.

They change nothing of the question. That each is given once, and where it may be given, is
`exposure.query.parse`'s to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from exposure.query.errors import nearest, shown, wrong
from exposure.query.grammar import COUNT, EXPLAIN

_EXPLAINED = "1"


class Count(StrEnum):
    """How a page says how many rows the question means on all its pages.

    NONE costs nothing and says nothing. ESTIMATE may count a row twice that is stored twice, and reads
    nothing where nothing is filtered. EXACT counts the rows that would be served, at the price of a second
    question.
    """

    NONE = "none"
    ESTIMATE = "estimate"
    EXACT = "exact"


def parse_count(parameters: Iterable[tuple[str, str]]) -> Count:
    """Return what `count` says, NONE without it; raises BadQuery."""
    text = dict(parameters).get(COUNT, Count.NONE)
    allowed = tuple(one.value for one in Count)
    if text not in allowed:
        message = f"'{COUNT}' is one of {', '.join(allowed)}, not '{shown(text)}'"
        raise wrong(COUNT, "WRONG_VALUE", message, allowed=allowed, suggestion=nearest(text, allowed))
    return Count(text)


def parse_explain(parameters: Iterable[tuple[str, str]]) -> bool:
    """Return whether the question is to be explained and not answered; raises BadQuery."""
    text = dict(parameters).get(EXPLAIN)
    if text is not None and text != _EXPLAINED:
        message = f"'{EXPLAIN}' may be {_EXPLAINED}, not '{shown(text)}'"
        raise wrong(EXPLAIN, "WRONG_VALUE", message, allowed=(_EXPLAINED,), suggestion=_EXPLAINED)
    return text is not None
