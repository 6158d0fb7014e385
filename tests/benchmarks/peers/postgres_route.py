"""The road most people would build: FastAPI routes that ask an indexed PostgreSQL through asyncpg.

No cache, no access control, statements prepared once per connection, rows written by orjson: as lean as such
routes are written. PostgreSQL's address is `POSTGRES` of the environment.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import asyncpg
import orjson
from fastapi import FastAPI, HTTPException, Response

_ROWS = "SELECT id, timestamp, data, amount, quantity, category FROM events"
_NEWEST = "ORDER BY timestamp DESC, id DESC LIMIT $1"
_POINT = f"{_ROWS} WHERE id = $1"
_FIRST = f"{_ROWS} {_NEWEST}"
_PAGE = f"{_ROWS} WHERE timestamp >= $2 AND timestamp < $3 {_NEWEST}"
_AFTER = f"{_ROWS} WHERE (timestamp, id) < ($2, $3) {_NEWEST}"
_GROUPS = "SELECT category, count(*) AS rows, sum(amount) AS sum FROM events GROUP BY category ORDER BY 1"
_CONNECTIONS = 8


@asynccontextmanager
async def _connected(served: FastAPI) -> AsyncIterator[None]:
    address = os.environ["POSTGRES"]
    async with asyncpg.create_pool(address, min_size=_CONNECTIONS, max_size=_CONNECTIONS) as pool:
        served.state.pool = pool
        yield


app = FastAPI(lifespan=_connected)


@app.get("/events")
async def page(
    since: datetime | None = None,
    until: datetime | None = None,
    after_time: datetime | None = None,
    after_id: str | None = None,
    limit: int = 100,
) -> Response:
    if since is not None:
        return await _answer(_PAGE, limit, since, until)
    if after_time is not None:
        return await _answer(_AFTER, limit, after_time, after_id)
    return await _answer(_FIRST, limit)


@app.get("/events/{key}")
async def point(key: str) -> Response:
    row = await app.state.pool.fetchrow(_POINT, key)
    if row is None:
        raise HTTPException(404)
    return _written({"data": dict(row)})


@app.get("/groups")
async def groups() -> Response:
    return await _answer(_GROUPS)


async def _answer(statement: str, *values: object) -> Response:
    rows = await app.state.pool.fetch(statement, *values)
    return _written({"data": [dict(row) for row in rows]})


def _written(answer: dict[str, Any]) -> Response:
    return Response(orjson.dumps(answer), media_type="application/json")
