"""Where errors end: every endpoint is guarded, and what the framework itself refuses is a problem too.

A guarded endpoint is cancelled when its client goes away: what it asked of the warehouse costs money.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from exposure.api.departure import CLIENT_LEFT, ClientLeft, while_awaited
from exposure.api.problems import (
    DEADLINE_EXCEEDED,
    INTERNAL_ERROR,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    UPSTREAM_UNAVAILABLE,
    Problem,
    answer,
    problem_of,
)
from exposure.api.request import REQUEST_ID
from exposure.query.errors import shown

_LOG = logging.getLogger(__name__)
Endpoint = Callable[[Request], Awaitable[Response]]


def guarded(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with its errors answered as problems, so that none reaches the framework."""

    async def answered(request: Request) -> Response:
        try:
            _refuse_line_break(request)
            return await while_awaited(request.receive, endpoint(request))
        except ClientLeft:
            return Response(status_code=CLIENT_LEFT)
        except Exception as error:
            problem = problem_of(error)
            _log(request, problem, error)
            return answer(problem, request.scope[REQUEST_ID])

    return answered


async def _refuse(request: Request, error: Exception) -> Response:
    """Answer what the router refuses, an unknown path or a method that is not GET, and which there are."""
    if not isinstance(error, HTTPException) or error.status_code != 405:
        problem = Problem(NOT_FOUND, f"there is nothing at {shown(request.url.path)}")
        return answer(problem, request.scope[REQUEST_ID])
    problem = Problem(METHOD_NOT_ALLOWED, f"{shown(request.method)} is not allowed here")
    refusal = answer(problem, request.scope[REQUEST_ID])
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": refusal.headers["Allow"]})
    return refusal


async def _break(request: Request, error: Exception) -> Response:
    """Answer for a fault of the framework itself; it raises the error again, and the server logs it."""
    return answer(problem_of(error), request.scope[REQUEST_ID])


EXCEPTION_HANDLERS: dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]] = {
    HTTPException: _refuse,
    Exception: _break,
}


def _refuse_line_break(request: Request) -> None:
    """Refuse a line break behind a path that has none: the router's patterns overlook one at the end."""
    if request.scope["path"].endswith("\n") and "key" not in request.path_params:
        raise Problem(NOT_FOUND, f"there is nothing at {shown(request.url.path)}")


def _log(request: Request, problem: Problem, error: Exception) -> None:
    """Log what is our own or the warehouse's fault, once; what the caller did wrong is only answered."""
    if problem.kind.status < 500:
        return
    request_id = request.scope[REQUEST_ID]
    where = shown(request.url.path)
    if problem.kind in (UPSTREAM_UNAVAILABLE, DEADLINE_EXCEEDED):
        _LOG.warning("request %s to %s: the warehouse is unavailable: %s", request_id, where, error)
    elif problem.kind is INTERNAL_ERROR:
        _LOG.error("request %s to %s failed", request_id, where, exc_info=error)
    else:
        _LOG.error("request %s to %s: %s", request_id, where, error, exc_info=error)
