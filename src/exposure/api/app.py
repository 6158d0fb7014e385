"""The read API: FastAPI routes generated from the catalog, inside the shell that every answer passes.

Nothing here knows how a question is written, answered or encoded; this is the map of paths.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from exposure.api.docs import docs_routes
from exposure.api.encode import JSON, dumps
from exposure.api.openapi import page_operation, problem_answer, row_operation
from exposure.api.problems import (
    INTERNAL_ERROR,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    PROBLEM_TYPES,
    Problem,
    answer,
    problem_of,
)
from exposure.api.rows import ContractRows
from exposure.api.seal import TokenSealer
from exposure.api.shell import REQUEST_ID, Shell
from exposure.contracts.catalog import Catalog
from exposure.contracts.model import Contract
from exposure.warehouse.port import Reader

_LOG = logging.getLogger(__name__)
Endpoint = Callable[[Request], Awaitable[Response]]
WELCOME = {"message": "Bienvenido a la API de Exposición de Datos"}
_DESCRIPTION = (
    "Rows of the catalog's datasets. Filters are written `column.operator=value`; whatever is unknown or "
    "mistyped is refused. Every page says whether it is complete, and where it goes on."
)


def build_api(catalog: Catalog, reader: Reader, sealer: TokenSealer) -> ASGIApp:
    """Return the API over the catalog's contracts; it closes the reader when it shuts down."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await reader.close()

    app = FastAPI(
        title="Data Exposure API",
        version="1",
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        exception_handlers={HTTPException: _refuse},
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    _add_platform(app, catalog)
    for contract in catalog:
        _add_contract(app, contract, ContractRows(contract, reader, sealer))
    _add_unknown(app, catalog)
    app.router.routes.extend(docs_routes())
    return Shell(app)


def _add_platform(app: FastAPI, catalog: Catalog) -> None:
    listing = dumps({"contracts": [_summary(contract) for contract in catalog]})

    async def welcome(_: Request) -> Response:
        """Greet: the service is there."""
        return Response(dumps(WELCOME), media_type=JSON)

    async def contracts(_: Request) -> Response:
        """List what can be read."""
        return Response(listing, media_type=JSON)

    async def healthy(_: Request) -> Response:
        """Answer the platform's probes."""
        return Response(dumps({"status": "ok"}), media_type=JSON)

    _get(app, "/", welcome, "welcome", {})
    _get(app, "/v1", contracts, "list_contracts", {})
    _get(app, "/health/live", healthy, "live", {})
    _get(app, "/health/ready", healthy, "ready", {})
    _get(app, "/problems/{code}", _problem_page, "describe_problem", _PROBLEM_CODE)


def _add_contract(app: FastAPI, contract: Contract, rows: ContractRows) -> None:
    path, name = f"/v1/{contract.name}", contract.name
    _get(app, path, rows.page, f"list_{name}", page_operation(contract))
    _get(app, f"{path}:schema", rows.schema, f"describe_{name}", {})
    _get(app, f"{path}/{{key:path}}", rows.row, f"get_{name}", row_operation(contract))


def _add_unknown(app: FastAPI, catalog: Catalog) -> None:
    async def unknown(request: Request) -> Response:
        catalog.get(request.path_params["name"].split(":")[0])
        raise Problem(NOT_FOUND, f"there is nothing at {request.url.path[:200]}")

    app.add_route("/v1/{name}", _guarded(unknown), include_in_schema=False)
    app.add_route("/v1/{name}/{rest:path}", _guarded(unknown), include_in_schema=False)


def _get(app: FastAPI, path: str, endpoint: Endpoint, name: str, operation: dict[str, Any]) -> None:
    responses = {"default": problem_answer()}
    app.add_api_route(
        path,
        _guarded(endpoint),
        description=inspect.getdoc(endpoint),
        methods=["GET"],
        operation_id=name,
        response_class=Response,
        openapi_extra={"responses": responses} | operation,
    )


_PROBLEM_CODE = {
    "parameters": [
        {
            "name": "code",
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            "example": "not-found",
        }
    ]
}


async def _problem_page(request: Request) -> Response:
    """Describe a type of problem and what to do about it."""
    for kind in PROBLEM_TYPES:
        if kind.path == request.url.path:
            body = {"code": kind.code, "status": kind.status, "title": kind.title, "advice": kind.advice}
            return Response(dumps(body), media_type=JSON)
    raise Problem(NOT_FOUND, "there is no such type of problem")


def _guarded(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint with its errors answered as problems, so that none reaches the framework."""

    async def answered(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Exception as error:
            return _answer_error(request, error)

    return answered


def _answer_error(request: Request, error: Exception) -> Response:
    problem = problem_of(error) or Problem(INTERNAL_ERROR, "something went wrong that should not")
    request_id = request.scope[REQUEST_ID]
    if problem.kind.status >= 500:
        _LOG.error("request %s to %s failed", request_id, request.url.path, exc_info=error)
    return answer(problem, request_id)


async def _refuse(request: Request, error: Exception) -> Response:
    """Answer what the router itself refuses: an unknown path or a method that is not GET."""
    if isinstance(error, HTTPException) and error.status_code == 405:
        problem = Problem(METHOD_NOT_ALLOWED, f"{request.method[:20]} is not allowed here")
    else:
        problem = Problem(NOT_FOUND, f"there is nothing at {request.url.path[:200]}")
    return _answer_error(request, problem)


def _summary(contract: Contract) -> dict[str, object]:
    path = f"/v1/{contract.name}"
    return {
        "name": contract.name,
        "version": contract.version,
        "description": contract.description,
        "rows": path,
        "schema": f"{path}:schema",
    }
