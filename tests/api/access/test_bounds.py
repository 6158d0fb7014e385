"""How much a request's head may hold; asked below HTTP, where clients bound nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection
from starlette.types import Message, Scope

from exposure.api.access.bounds import MOST_FIELD_BYTES, MOST_FIELDS
from fakes.guarded_house import guarded_house


async def status(app: object, fields: list[tuple[bytes, bytes]], path: str = "/v1/rates") -> int:
    scope: Scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"",
        "headers": fields, "client": ("127.0.0.1", 1), "scheme": "http", "root_path": "",
        "http_version": "1.1",
    }  # fmt: skip
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)  # type: ignore[operator]
    return int(sent[0]["status"])


@pytest.mark.parametrize("path", ["/v1/rates", "/v1/nosuch", "/nosuch", "/docs"])
async def test_more_fields_than_may_be_are_refused_whatever_is_asked(
    tmp_path: Path, vault: DuckDBPyConnection, path: str
) -> None:
    async with guarded_house(tmp_path, vault) as house:
        many = [(b"x-%d" % number, b"") for number in range(MOST_FIELDS + 1)]
        assert await status(house.app, many, path) == 431
        assert await status(house.app, many[1:], path) != 431
        assert not house.reader.questions or path == "/v1/rates"


async def test_more_bytes_of_fields_than_may_be_are_refused(
    tmp_path: Path, vault: DuckDBPyConnection
) -> None:
    async with guarded_house(tmp_path, vault) as house:
        assert await status(house.app, [(b"x", b"y" * (MOST_FIELD_BYTES - 1))]) == 200
        assert await status(house.app, [(b"x", b"y" * MOST_FIELD_BYTES)]) == 431
        halves = [(b"x" * 100, b"y" * (MOST_FIELD_BYTES // 2)), (b"z" * 100, b"y" * (MOST_FIELD_BYTES // 2))]
        assert await status(house.app, halves) == 431


async def test_a_refused_head_is_not_looked_into(tmp_path: Path, vault: DuckDBPyConnection) -> None:
    async with guarded_house(tmp_path, vault) as house:
        many = [(b"x-api-key", b"wrong")] * (MOST_FIELDS + 1)
        assert await status(house.app, many) == 431


async def test_the_advice_says_the_bounds_there_are(tmp_path: Path, vault: DuckDBPyConnection) -> None:
    async with guarded_house(tmp_path, vault) as house:
        advice = (await house.get("/problems/headers-too-large")).json()["advice"]
        assert f"{MOST_FIELDS} header fields" in advice
        assert f"{MOST_FIELD_BYTES // 1024} KiB" in advice
