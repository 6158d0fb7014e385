"""Every error the API answers, once: RFC 9457 problems with a stable code, a type page and a sentence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from http import HTTPStatus

import orjson
from starlette.responses import Response

from exposure.contracts.catalog import UnknownContract
from exposure.query.errors import BadQuery, ParameterError, shown
from exposure.warehouse.port import (
    AnswerOutOfRange,
    QueryTooExpensive,
    SnapshotExpired,
    Unavailability,
    WarehouseMisconfigured,
    WarehouseUnavailable,
)

MEDIA_TYPE = "application/problem+json"
_RETRYABLE = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)


@dataclass(frozen=True)
class ProblemType:
    """One kind of problem. `advice` says what the caller can do about it.

    `registered` is the URI under which the kind is known beyond this API, if it is.
    """

    code: str
    status: HTTPStatus
    title: str
    advice: str
    registered: str = ""

    @property
    def type(self) -> str:
        """Return the URI that names the kind in an answer."""
        return self.registered or self.path

    @property
    def path(self) -> str:
        """Return the path of the page that describes it."""
        return f"/problems/{self.code.lower().replace('_', '-')}"

    @property
    def is_retryable(self) -> bool:
        """Return whether the very same request may be answered later."""
        return self.status in _RETRYABLE


INVALID_PARAMETER = ProblemType(
    "INVALID_PARAMETER", HTTPStatus.BAD_REQUEST, "A parameter is wrong",
    "Mend every parameter listed in `errors`; `allowed` and `suggestion` say how. Nothing was read.",
)  # fmt: skip
INVALID_PAGE_TOKEN = ProblemType(
    "INVALID_PAGE_TOKEN", HTTPStatus.BAD_REQUEST, "The page token is none of ours",
    "Pass `next_page_token` of the page before as it is, with a credential that sees the same, or follow its "
    "Link header; else begin again.",
)  # fmt: skip
PAGE_TOKEN_MISMATCH = ProblemType(
    "PAGE_TOKEN_MISMATCH", HTTPStatus.BAD_REQUEST, "The page token belongs to another question",
    "Keep filters and order for the whole walk; `select` and `page_size` may change. Else begin again.",
)  # fmt: skip
PAGE_TOKEN_EXPIRED = ProblemType(
    "PAGE_TOKEN_EXPIRED", HTTPStatus.GONE, "The walk began too long ago",
    "Begin again: the rows cannot be read any more as they were when the walk's first page was read.",
)  # fmt: skip
NOT_FOUND = ProblemType(
    "NOT_FOUND", HTTPStatus.NOT_FOUND, "Not found",
    "See GET /v1 for what you can read, and GET /docs for how. What is not granted is not there.",
)  # fmt: skip
METHOD_NOT_ALLOWED = ProblemType(
    "METHOD_NOT_ALLOWED", HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed",
    "This API only reads: use GET or HEAD.",
)  # fmt: skip
NOT_ACCEPTABLE = ProblemType(
    "NOT_ACCEPTABLE", HTTPStatus.NOT_ACCEPTABLE, "No such representation",
    "Accept one of the media types listed in `errors`.",
)  # fmt: skip
URI_TOO_LONG = ProblemType(
    "URI_TOO_LONG", HTTPStatus.REQUEST_URI_TOO_LONG, "The URL is too long",
    "Ask for less at once: a URL has 8 KiB at most.",
)  # fmt: skip
QUERY_TOO_EXPENSIVE = ProblemType(
    "QUERY_TOO_EXPENSIVE", HTTPStatus.UNPROCESSABLE_ENTITY, "The question would cost too much",
    "Bound the event time more narrowly or select fewer columns. Nothing was billed.",
)  # fmt: skip
POSITION_TOO_LONG = ProblemType(
    "POSITION_TOO_LONG", HTTPStatus.UNPROCESSABLE_ENTITY, "The URL of the next page would be too long",
    "Ask for another `page_size`, so that the page ends at another row; order by columns with shorter "
    "values; or write fewer filters.",
)  # fmt: skip
ANSWER_OUT_OF_RANGE = ProblemType(
    "ANSWER_OUT_OF_RANGE", HTTPStatus.UNPROCESSABLE_ENTITY, "A value of the answer has no room in its type",
    "Sum fewer rows, or ask for the average; bound times to the years 1 to 9999.",
)  # fmt: skip
UNAUTHENTICATED = ProblemType(
    "UNAUTHENTICATED", HTTPStatus.UNAUTHORIZED, "The credential is not valid",
    "Send one valid API key or token, or none to see what is public.",
)  # fmt: skip
QUOTA_EXCEEDED = ProblemType(
    "QUOTA_EXCEEDED", HTTPStatus.TOO_MANY_REQUESTS, "Too many requests",
    "Ask again after the seconds in Retry-After; the RateLimit fields of every answer say how fast is fine.",
    # https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/11/
    "https://iana.org/assignments/http-problem-types#quota-exceeded",
)  # fmt: skip
HEADERS_TOO_LARGE = ProblemType(
    "HEADERS_TOO_LARGE", HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request's header is too large",
    "Send 100 header fields and 32 KiB of them at most.",
)  # fmt: skip
SIGNER_UNAVAILABLE = ProblemType(
    "SIGNER_UNAVAILABLE", HTTPStatus.SERVICE_UNAVAILABLE, "The token cannot be verified now",
    "Ask again after the seconds in Retry-After.",
)  # fmt: skip
INTERNAL_ERROR = ProblemType(
    "INTERNAL_ERROR", HTTPStatus.INTERNAL_SERVER_ERROR, "An error of ours",
    "Tell the operators the request id; asking again may fail again.",
)  # fmt: skip
UPSTREAM_MISCONFIGURED = ProblemType(
    "UPSTREAM_MISCONFIGURED", HTTPStatus.BAD_GATEWAY, "The warehouse refuses this service",
    "A table or a permission is missing on our side; asking again helps only after it is mended.",
)  # fmt: skip
UPSTREAM_UNAVAILABLE = ProblemType(
    "UPSTREAM_UNAVAILABLE", HTTPStatus.SERVICE_UNAVAILABLE, "The warehouse does not answer",
    "Ask again after the seconds in Retry-After.",
)  # fmt: skip
DEADLINE_EXCEEDED = ProblemType(
    "DEADLINE_EXCEEDED", HTTPStatus.GATEWAY_TIMEOUT, "The question takes too long",
    "Its query was cancelled. Ask for less: bound the event time, select fewer columns; or ask again.",
)  # fmt: skip
TIME_BOUND_REQUIRED = ProblemType(
    "TIME_BOUND_REQUIRED", HTTPStatus.BAD_REQUEST, "The question needs a bound on the event time",
    "Add the parameter named in `errors`, such as its `suggestion`: it must hold for every row that is asked "
    "for, so one beneath `or` or `not` does not count. One row by its key needs none. Nothing was read.",
)  # fmt: skip
BUDGET_SPENT = ProblemType(
    "BUDGET_SPENT", HTTPStatus.TOO_MANY_REQUESTS, "The day's budget of bytes is spent",
    "Answers that cost nothing are still given. Ask again after the seconds in Retry-After, when the day has "
    "ended in UTC; narrower bounds on the event time and fewer columns make a budget last.",
)  # fmt: skip
PROBLEM_TYPES = (
    INVALID_PARAMETER, INVALID_PAGE_TOKEN, PAGE_TOKEN_MISMATCH, NOT_FOUND, METHOD_NOT_ALLOWED, NOT_ACCEPTABLE,
    URI_TOO_LONG, QUERY_TOO_EXPENSIVE, POSITION_TOO_LONG, INTERNAL_ERROR, UPSTREAM_MISCONFIGURED,
    UPSTREAM_UNAVAILABLE, UNAUTHENTICATED, QUOTA_EXCEEDED, HEADERS_TOO_LARGE, SIGNER_UNAVAILABLE,
    ANSWER_OUT_OF_RANGE, DEADLINE_EXCEEDED, TIME_BOUND_REQUIRED, BUDGET_SPENT, PAGE_TOKEN_EXPIRED,
)  # fmt: skip
# What any path may answer, whatever is asked: it comes before the question is looked at.
ANYWHERE = (UNAUTHENTICATED, URI_TOO_LONG, QUOTA_EXCEEDED, HEADERS_TOO_LARGE, SIGNER_UNAVAILABLE)
_RETRY_AFTER = timedelta(seconds=5)

# What the warehouse said may name tables, accounts and projects: it is for the log alone.
_UPSTREAM: tuple[tuple[type[Exception], ProblemType, str], ...] = (
    (AnswerOutOfRange, ANSWER_OUT_OF_RANGE, "a sum or a bucket of the answer is outside what its type holds"),
    (QueryTooExpensive, QUERY_TOO_EXPENSIVE, "the question would read more bytes than one question may"),
    (SnapshotExpired, PAGE_TOKEN_EXPIRED, "the walk this page_token belongs to began too long ago"),
    (WarehouseMisconfigured, UPSTREAM_MISCONFIGURED, "the warehouse refused the question"),
)
_UNAVAILABLE = {
    Unavailability.FAULT: (UPSTREAM_UNAVAILABLE, "the warehouse did not answer"),
    Unavailability.DEADLINE: (DEADLINE_EXCEEDED, "the warehouse did not answer in time"),
    Unavailability.BUSY: (UPSTREAM_UNAVAILABLE, "as many questions are asked of the warehouse as may be"),
    Unavailability.RATE: (UPSTREAM_UNAVAILABLE, "the warehouse was asked too often"),
    Unavailability.QUOTA: (UPSTREAM_UNAVAILABLE, "a quota of the warehouse is used up"),
}
# Kinds of their own where one thing alone is wrong with a request.
_ALONE = {kind.code: kind for kind in (INVALID_PAGE_TOKEN, PAGE_TOKEN_MISMATCH, TIME_BOUND_REQUIRED)}


class Problem(Exception):
    """Ends a request with a problem; `errors` lists what is wrong parameter by parameter.

    `members` are what the kind's definition adds to the answer; `retry_after`, of those that may be answered
    later, is when.
    """

    def __init__(
        self,
        kind: ProblemType,
        detail: str,
        errors: tuple[ParameterError, ...] = (),
        members: Mapping[str, object] | None = None,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.members = dict(members or {})
        self.retry_after = retry_after


def problem_of(error: Exception) -> Problem:
    """Return the problem an error means to the caller."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, BadQuery):
        alone = error.errors[0].code if len(error.errors) == 1 else ""
        return Problem(_ALONE.get(alone, INVALID_PARAMETER), str(error), error.errors)
    if isinstance(error, UnknownContract):
        return _unknown_contract(error)
    if isinstance(error, WarehouseUnavailable):
        kind, detail = _UNAVAILABLE[error.reason]
        return Problem(kind, detail, retry_after=error.retry_after)
    for expected, kind, detail in _UPSTREAM:
        if isinstance(error, expected):
            return Problem(kind, detail)
    return Problem(INTERNAL_ERROR, "something went wrong that should not")


def answer(problem: Problem, request_id: str) -> Response:
    """Return the response that carries the problem."""
    kind = problem.kind
    body = {
        "type": kind.type,
        "title": kind.title,
        "status": kind.status.value,
        "detail": problem.detail,
        "code": kind.code,
        "retryable": kind.is_retryable,
        "request_id": request_id,
        **({"errors": [asdict(error) for error in problem.errors]} if problem.errors else {}),
        **problem.members,
    }
    headers = {"Cache-Control": "no-store"}
    if kind.status is HTTPStatus.SERVICE_UNAVAILABLE or problem.retry_after is not None:
        wait = problem.retry_after or _RETRY_AFTER
        headers["Retry-After"] = str(max(1, math.ceil(wait.total_seconds())))
    if kind is METHOD_NOT_ALLOWED:
        headers["Allow"] = "GET, HEAD"
    if kind.registered:
        headers["Link"] = f'<{kind.path}>; rel="help"'
    if kind is UNAUTHENTICATED:
        headers["WWW-Authenticate"] = 'Bearer realm="exposure", error="invalid_token"'
    return Response(orjson.dumps(body), kind.status.value, headers, MEDIA_TYPE)


def _unknown_contract(error: UnknownContract) -> Problem:
    message = f"there is no contract '{shown(error.name)}'"
    unknown = ParameterError("contract", "UNKNOWN_CONTRACT", message, (), error.suggestion)
    return Problem(NOT_FOUND, message, (unknown,))
