"""The read API: FastAPI routes generated from the catalog, inside the shell that every answer passes.

Nothing here knows how a question is written, answered or encoded; this is the map of paths.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.convertors import PathConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from exposure.api.access.bounds import Bounds
from exposure.api.access.budget import PayingReader
from exposure.api.access.caller import ANONYMOUS
from exposure.api.access.cors import Cors
from exposure.api.access.door import Door
from exposure.api.access.guard import GuardedReader, in_force
from exposure.api.access.layer import AccessLayer
from exposure.api.access.policy import Policy
from exposure.api.aggregate import ContractGroups
from exposure.api.aggregate_openapi import aggregate_operation, facets_operation
from exposure.api.cache.answers import Answers, Cache
from exposure.api.cache.front import Front
from exposure.api.cache.layer import CacheLayer
from exposure.api.cache.question import Questions
from exposure.api.compress import Compressed, available_codings
from exposure.api.describe import summarize
from exposure.api.direct_rows import DirectRows, RowEndpoints
from exposure.api.docs import docs_endpoints
from exposure.api.encode import JSON, dumps
from exposure.api.errors import EXCEPTION_HANDLERS, guarded
from exposure.api.export import ContractExport
from exposure.api.health import Health
from exposure.api.hiding import HidingReader
from exposure.api.openapi import (
    SECURITY,
    components,
    export_operation,
    page_operation,
    plain_operation,
    problem_page_operation,
    row_operation,
    schema_operation,
)
from exposure.api.problems import (
    INVALID_PARAMETER,
    NOT_FOUND,
    PROBLEM_TYPES,
    UPSTREAM_UNAVAILABLE,
    URI_TOO_LONG,
    Problem,
)
from exposure.api.request import refuse_parameters
from exposure.api.rows import ContractRows
from exposure.api.seal import TokenSealer
from exposure.api.shell import Shell
from exposure.contracts.catalog import Catalog
from exposure.contracts.model import Contract
from exposure.query.errors import shown
from exposure.warehouse.port import Reader

Endpoint = Callable[[Request], Awaitable[Response]]
WELCOME = {"message": "Bienvenido a la API de Exposición de Datos"}
_DESCRIPTION = (
    "Rows of the catalog's datasets. Filters are written `column.operator=value`; whatever is unknown or "
    "mistyped is refused. Every page says whether it is complete, and where it goes on. Described is what "
    "you may see: ask for this document with your API key or token to see what they grant. The platform's "
    "own test rows, whose keys begin with `~canary-`, are served to whoever names one by its key, and to "
    "nobody else."
)


class _KeyConvertor(PathConvertor):
    """A key may hold any character: slashes, as a path may, and line breaks, which a path may not."""

    regex = "(?s:.*)"


def build_api(
    catalog: Catalog,
    reader: Reader,
    sealer: TokenSealer,
    door: Door | None = None,
    cache: Cache | None = None,
) -> ASGIApp:
    """Return the API over the catalog's contracts; it closes the reader and the cache when it shuts down.

    Without a door nobody is known: what is public is served, to everybody. Without a cache every answer is
    made anew.
    """
    door = door or Door()
    asked = PayingReader(HidingReader(reader))
    guarded_reader, bound_sealer = GuardedReader(asked), sealer.bound(in_force)
    health = Health(catalog, reader)

    answers = None if cache is None else Answers(cache)
    codings = tuple(one.token for one in available_codings())
    public = Policy(catalog).view(ANONYMOUS).fingerprint

    def build(seen: Catalog) -> ASGIApp:
        app = Compressed(_build(seen, guarded_reader, bound_sealer, health, door.clock))
        return app if answers is None else CacheLayer(app, Questions(seen, codings), answers, public)

    api = Shell(Cors(Bounds(AccessLayer(catalog, door, build)), door.origins))
    return api if answers is None else Front(api, door, answers)


def _build(
    catalog: Catalog, reader: Reader, sealer: TokenSealer, health: Health, clock: Callable[[], datetime]
) -> ASGIApp:
    """Return the routes over what a caller sees of the catalog."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await reader.close()

    app = FastAPI(
        title="Data Exposure API",
        version="1",
        description=_DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        exception_handlers=EXCEPTION_HANDLERS,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    register_url_convertor("key", _KeyConvertor())
    _add_platform(app, catalog)
    _get(app, "/health/live", health.live, "live", plain_operation("Whether the process runs"))
    kinds = (URI_TOO_LONG, UPSTREAM_UNAVAILABLE)
    _get(app, "/health/ready", health.ready, "ready", plain_operation("Whether the warehouse answers", kinds))
    direct = {}
    for contract in catalog:
        rows = ContractRows(contract, reader, sealer, clock)
        direct[contract.name] = RowEndpoints(guarded(rows.page), guarded(rows.row))
        _add_contract(app, contract, rows)
        _add_export(app, contract, ContractExport(contract, reader, clock))
        _add_groups(app, contract, ContractGroups(contract, reader, clock))
    _add_unknown(app, catalog)
    _add_documentation(app, catalog)
    return DirectRows(app, direct)


def _add_platform(app: FastAPI, catalog: Catalog) -> None:
    listing = dumps({"contracts": [summarize(contract) for contract in catalog]})

    async def welcome(_: Request) -> Response:
        return _json(dumps(WELCOME))

    async def contracts(request: Request) -> Response:
        refuse_parameters(request)
        return _json(listing)

    _get(app, "/", welcome, "welcome", plain_operation("The service is there"))
    kinds = (INVALID_PARAMETER, URI_TOO_LONG)
    _get(app, "/v1", contracts, "list_contracts", plain_operation("What can be read", kinds))
    _get(app, "/problems/{code}", _problem_page, "describe_problem", problem_page_operation())


def _add_contract(app: FastAPI, contract: Contract, rows: ContractRows) -> None:
    path, name = f"/v1/{contract.name}", contract.name
    _get(app, path, rows.page, f"list_{name}", page_operation(contract))
    _get(app, f"{path}:schema", rows.schema, f"describe_{name}", schema_operation(contract))
    _get(app, f"{path}/{{key:key}}", rows.row, f"get_{name}", row_operation(contract))


def _add_export(app: FastAPI, contract: Contract, export: ContractExport) -> None:
    path, name = f"/v1/{contract.name}:export", contract.name
    _get(app, path, export.export, f"export_{name}", export_operation(contract))


def _add_groups(app: FastAPI, contract: Contract, groups: ContractGroups) -> None:
    path, name = f"/v1/{contract.name}", contract.name
    _get(app, f"{path}:aggregate", groups.aggregate, f"aggregate_{name}", aggregate_operation(contract))
    _get(app, f"{path}:facets", groups.facets, f"count_values_of_{name}", facets_operation(contract))


def _add_unknown(app: FastAPI, catalog: Catalog) -> None:
    async def unknown(request: Request) -> Response:
        catalog.get(request.path_params["name"].split(":")[0])
        raise Problem(NOT_FOUND, f"there is nothing at {shown(request.url.path)}")

    app.add_route("/v1/{name}", guarded(unknown), include_in_schema=False)
    app.add_route("/v1/{name}/{rest:key}", guarded(unknown), include_in_schema=False)


def _add_documentation(app: FastAPI, catalog: Catalog) -> None:
    @lru_cache(maxsize=1)
    def document() -> bytes:
        return dumps(app.openapi() | {"components": components(catalog), "security": SECURITY})

    async def openapi(_: Request) -> Response:
        return _json(document())

    for path, endpoint in {"/openapi.json": openapi, **docs_endpoints()}.items():
        app.add_route(path, guarded(endpoint), include_in_schema=False)


class _DirectRoute(APIRoute):
    """Hands its endpoint the request as it is: what FastAPI would read for it, ours read themselves."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the endpoint."""
        handler: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return handler


def _get(app: FastAPI, path: str, endpoint: Endpoint, name: str, operation: dict[str, Any]) -> None:
    app.router.add_api_route(
        path,
        guarded(endpoint),
        methods=["GET"],
        operation_id=name,
        response_class=Response,
        openapi_extra=operation,
        route_class_override=_DirectRoute,
    )


async def _problem_page(request: Request) -> Response:
    for kind in PROBLEM_TYPES:
        if kind.path == request.url.path:
            meaning = {"code": kind.code, "status": kind.status, "title": kind.title, "advice": kind.advice}
            return _json(dumps(meaning))
    raise Problem(NOT_FOUND, "there is no such type of problem")


def _json(body: bytes) -> Response:
    return Response(body, media_type=JSON)
