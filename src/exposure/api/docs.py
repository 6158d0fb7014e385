"""Swagger UI at /docs without the internet: its files come out of an installed package, never a CDN."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Data Exposure API</title>
<link rel="icon" href="/docs/assets/favicon.png">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""
_START = "SwaggerUIBundle({url: '/openapi.json', dom_id: '#docs', deepLinking: true, validatorUrl: null});\n"
# Swagger UI sets style attributes and draws its icons from data: URLs.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class _Assets(StaticFiles):
    """Files that change only with the installed package."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=86400"
        return response


def docs_routes() -> list[Route | Mount]:
    """Return the routes of the documentation pages."""
    return [
        Route("/docs", _page),
        Route("/docs/start.js", _start),
        Mount("/docs/assets", _Assets(directory=_assets())),
    ]


async def _page(_: Request) -> Response:
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": POLICY})


async def _start(_: Request) -> Response:
    return Response(_START, media_type="text/javascript")


def _assets() -> Path:
    # Looked up, not imported: only the files are wanted.
    package = find_spec("fastapi_offline")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("fastapi_offline, which holds the documentation's files, is not installed")
    return Path(package.submodule_search_locations[0]) / "static"
