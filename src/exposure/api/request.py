"""What a request says: its parameters, the representation it accepts, the URL of the page after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar, cast
from urllib.parse import parse_qsl, quote, unquote_plus

from starlette.requests import Request

from exposure.api.negotiate import choose
from exposure.api.problems import NOT_ACCEPTABLE, POSITION_TOO_LONG, Problem
from exposure.query.errors import BadQuery, ParameterError, shown, wrong
from exposure.query.grammar import PAGE_TOKEN

A = TypeVar("A")
B = TypeVar("B")
URL_BYTES = 8192
REQUEST_ID = "exposure.request_id"
IS_HEAD = "exposure.is_head"
# The (contract, tier) of an answer that cost nothing, and whom to tell of a cost that no answer names.
ANSWERED = "exposure.answered"
TELL = "exposure.tell"
# What a query may hold besides letters and digits, and the sign of what is percent-encoded already.
# https://www.rfc-editor.org/rfc/rfc3986#section-3.4
_QUERY_CHARACTERS = "%!$'()*+,;:@/?=-._~"

_NAMED = 20


def parameters(request: Request) -> list[tuple[str, str]]:
    """Return names and values in the order of the URL; bytes that are no UTF-8 are lone surrogates."""
    return parameters_of(request.scope["query_string"])


def parameters_of(query: bytes) -> list[tuple[str, str]]:
    """Return the same of what stands behind the `?`."""
    return parse_qsl(_text(query), keep_blank_values=True, errors="surrogateescape")


def refuse_parameters(request: Request) -> None:
    """Raise BadQuery when the request has any parameter: where none is known, none is ignored."""
    names = [name for name, _ in parameters(request)]
    if names:
        raise BadQuery([error for name in names[:_NAMED] for error in _unknown(name).errors])


def both(first: Callable[[], A], second: Callable[[], B]) -> tuple[A, B]:
    """Return both results; raises BadQuery with everything that is wrong with either."""
    errors: list[ParameterError] = []
    results: list[object] = []
    for make in (first, second):
        try:
            results.append(make())
        except BadQuery as bad:
            errors.extend(bad.errors)
    if errors:
        raise BadQuery(errors)
    return cast("tuple[A, B]", tuple(results))


def accept(request: Request) -> str:
    """Return what the request accepts; a header on several lines is one list."""
    return ", ".join(request.headers.getlist("accept"))


def negotiated(request: Request, offered: Sequence[str]) -> str:
    """Return the media type to answer with; raises a Problem that lists those offered."""
    media_type = choose(accept(request), offered)
    if media_type is None:
        message = f"this resource is served as {' or '.join(offered)}"
        unmet = ParameterError("Accept", "NOT_ACCEPTABLE", message, tuple(offered))
        raise Problem(NOT_ACCEPTABLE, message, (unmet,))
    return media_type


def next_url(request: Request, token: str) -> str:
    """Return this request's URL, relative to the host, with the token of the next page.

    Raises a Problem when it would be longer than this API takes: a walk must not end where nobody can
    go on.
    """
    kept = [
        quote(part, safe=_QUERY_CHARACTERS, errors="surrogateescape")
        for part in _text(request.scope["query_string"]).split("&")
        if part and unquote_plus(part.partition("=")[0]) != PAGE_TOKEN
    ]
    url = f"{request.scope['path']}?{'&'.join([*kept, f'{PAGE_TOKEN}={token}'])}"
    if len(url) > URL_BYTES:
        raise Problem(POSITION_TOO_LONG, "the last row of this page is too long a place to go on from")
    return url


def tell_nobody(contract: str, tier: str, bytes_billed: int) -> None:
    """Be told of an answer where no lines are written."""


def _text(query: bytes) -> str:
    return query.decode("utf-8", "surrogateescape")


def _unknown(name: str) -> BadQuery:
    return wrong(name, "UNKNOWN_PARAMETER", f"there is no parameter '{shown(name)}' here")
