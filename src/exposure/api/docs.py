"""Swagger UI at /docs without the internet: its files come out of an installed package, never a CDN."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

Endpoint = Callable[[Request], Awaitable[Response]]
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Data Exposure API</title>
<link rel="icon" href="{assets}/favicon.png">
<link rel="stylesheet" href="{assets}/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="{assets}/swagger-ui-bundle.js"></script>
<script src="{assets}/start.js"></script>
</body>
</html>
"""
# What the document describes depends on who asks for it: it is asked for again with the credential that was
# typed in. The credential is kept in this page alone.
_START = b"""\
const again = (act, system) => (...given) => {
  act(...given);
  system.specActions.download('/openapi.json');
};
const ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  validatorUrl: null,
  plugins: [() => ({statePlugins: {auth: {wrapActions: {authorize: again, logout: again}}}})],
  requestInterceptor: (request) => {
    const known = request.loadSpec ? ui.authSelectors.authorized().toJS() : {};
    if (known.apiKey) request.headers['X-API-Key'] = known.apiKey.value;
    if (known.bearer) request.headers.Authorization = `Bearer ${known.bearer.value}`;
    return request;
  },
});
"""
_FILES = {
    "favicon.png": "image/png",
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
}
# Swagger UI sets style attributes and draws its icons from data: URLs.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


def docs_endpoints() -> dict[str, Endpoint]:
    """Return what answers at each path of the documentation.

    The assets' folder is named after their content, so a browser may keep them for ever.
    """
    contents = _contents(_folder())
    digest = hashlib.sha256(b"".join(contents.values())).hexdigest()[:16]
    assets = f"/docs/assets/{digest}"
    media_types = _FILES | {"start.js": "text/javascript"}
    endpoints = {f"{assets}/{name}": _asset(contents[name], media_types[name]) for name in contents}
    return endpoints | {"/docs": _page(_PAGE.format(assets=assets))}


def _page(html: str) -> Endpoint:
    async def page(_: Request) -> Response:
        return HTMLResponse(html, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"})

    return page


def _asset(content: bytes, media_type: str) -> Endpoint:
    async def asset(_: Request) -> Response:
        return Response(content, 200, {"Cache-Control": "public, max-age=31536000, immutable"}, media_type)

    return asset


@functools.cache
def _contents(folder: Path) -> dict[str, bytes]:
    # Kept once, however many applications are built.
    return {name: (folder / name).read_bytes() for name in _FILES} | {"start.js": _START}


def _folder() -> Path:
    # Looked up, not imported: only the files are wanted.
    package = find_spec("fastapi_offline")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError("fastapi_offline, which holds the documentation's files, is not installed")
    return Path(package.submodule_search_locations[0]) / "static"
