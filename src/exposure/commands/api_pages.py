"""Reads pages of rows from the API over HTTP, keeping every row's JSON text as the API wrote it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx2
import msgspec

from exposure.loopback import is_loopback

_CONNECT_SECONDS = 3
_ANSWER_SECONDS = 30
_SHOWN_ALLOWED = 12
_PAGE_TOKEN = "page_token"  # noqa: S105 (a parameter's name)
Parameters = Sequence[tuple[str, str]]


class ApiUnreachable(Exception):
    """Nothing answers at the address, or not as this API does."""


class ApiRefused(Exception):
    """The API answered with a problem; `lines` say what is wrong, parameter by parameter."""

    def __init__(self, status: int, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.status = status
        self.lines = tuple(lines)


@dataclass(frozen=True)
class RowsUrl:
    """Where the rows of one contract are, what is asked of them, and the API key or token of who asks."""

    api: str
    contract: str
    parameters: Parameters
    credential: str | None = field(default=None, repr=False)


class ApiWindow(msgspec.Struct, frozen=True):
    """The bound on the event time that the API gave a question which had none."""

    parameter: str
    value: str


class ApiPage(msgspec.Struct, frozen=True):
    """One page: each row as the text of a JSON object."""

    data: list[msgspec.Raw]
    complete: bool
    as_of: str
    next_page_token: str | None = None
    window: ApiWindow | None = None


class _ParameterError(msgspec.Struct):
    parameter: str
    message: str
    suggestion: str | None = None
    allowed: list[str] = []


class _Problem(msgspec.Struct):
    title: str
    detail: str = ""
    errors: list[_ParameterError] = []


def read_pages(rows: RowsUrl) -> Iterator[ApiPage]:
    """Yield page after page, to the last. Raises ApiUnreachable or ApiRefused."""
    token: str | None = None
    with _client(rows.api) as client:
        while True:
            page = _read_page(client, rows, token)
            yield page
            if page.next_page_token is None:
                return
            if page.next_page_token == token:
                raise ApiUnreachable(f"{rows.api} answers the same page again and again")
            token = page.next_page_token


def _client(api: str) -> httpx2.Client:
    timeout = httpx2.Timeout(_ANSWER_SECONDS, connect=_CONNECT_SECONDS)
    return httpx2.Client(timeout=timeout, trust_env=not is_loopback(api))


def _read_page(client: httpx2.Client, rows: RowsUrl, token: str | None) -> ApiPage:
    going_on = [(_PAGE_TOKEN, token)] if token else []
    url = f"{rows.api.rstrip('/')}/v1/{quote(rows.contract, safe='')}"
    headers = {"Accept": "application/json"}
    if rows.credential:
        headers["Authorization"] = f"Bearer {rows.credential}"
    try:
        answer = client.get(url, params=[*rows.parameters, *going_on], headers=headers)
    except (httpx2.TransportError, httpx2.InvalidURL, httpx2.UnsupportedProtocol) as error:
        raise ApiUnreachable(
            f"no API answers at {rows.api}; start the platform with `exposure local`, or name another "
            f"address with --url ({error})"
        ) from error
    if answer.status_code != 200:
        raise _refusal(answer)
    try:
        return msgspec.json.decode(answer.content, type=ApiPage)
    except msgspec.DecodeError as error:
        raise ApiUnreachable(f"{rows.api} does not answer as this API does: {error}") from error


def _refusal(answer: httpx2.Response) -> ApiRefused:
    try:
        problem = msgspec.json.decode(answer.content, type=_Problem)
    except msgspec.DecodeError:
        return ApiRefused(answer.status_code, [f"the answer is {answer.status_code} without an explanation"])
    if not problem.errors:
        return ApiRefused(answer.status_code, [problem.detail or problem.title])
    return ApiRefused(answer.status_code, [_line(error) for error in problem.errors])


def _line(error: _ParameterError) -> str:
    if error.suggestion:
        return f"{error.parameter}: {error.message}; did you mean '{error.suggestion}'?"
    if error.allowed:
        shown, left = error.allowed[:_SHOWN_ALLOWED], len(error.allowed) - _SHOWN_ALLOWED
        more = f" and {left} more" if left > 0 else ""
        return f"{error.parameter}: {error.message}; possible: {', '.join(shown)}{more}"
    return f"{error.parameter}: {error.message}"
