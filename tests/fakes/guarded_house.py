"""An API whose contracts grant different callers different things, over a warehouse of several tenants' rows.

`PAYMENTS` shows each tenant its own rows, by a column it may see or not; what is the bank's alone are its
columns `margin` and `_extra`, and the whole contract `LEDGER`. `RATES` is public, some columns of it.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx2
from starlette.types import ASGIApp

from exposure.api.access.door import Door
from exposure.api.access.key_file import KeyFile
from exposure.api.access.keys import KeyOrder, StoredKeys, issue, write_keys
from exposure.api.app import build_api
from exposure.api.cache.answers import Cache
from exposure.api.seal import TokenSealer
from exposure.contracts.access import PUBLIC, Access, Bound, Grant
from exposure.contracts.catalog import Catalog
from exposure.contracts.model import Column, Contract
from exposure.contracts.narrowed import narrow
from exposure.contracts.types import Scalar
from exposure.query.model import Row
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.schema import rows_table
from fakes.declarations import declared
from fakes.repeating_transport import RepeatingTransport
from fakes.watched_reader import WatchedReader

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TENANTS = ("acme", "bolt", "coop")
ROWS_EACH = 7
_OWN = ("payment", "at", "amount", "note")
_COLUMNS = (
    Column("payment", Scalar.STRING, example="pay-1"),
    Column("at", Scalar.TIMESTAMP, example="2026-11-25T12:00:00Z"),
    Column("amount", Scalar.INTEGER, example=1),
    Column("note", Scalar.STRING, nullable=True, example="x"),
    Column("tenant", Scalar.STRING, "Whose it is.", example="someone"),
    Column("margin", Scalar.INTEGER, "The bank's secret.", nullable=True, example=4),
)
_OWNS = (Bound("tenant", "tenant"),)


def contract(name: str, access: Access, columns: Sequence[Column] = _COLUMNS) -> Contract:
    """Return a contract of such rows."""
    return declared(name=name, topic=f"{name}-topic", columns=tuple(columns), key="payment", access=access)


PAYMENTS = contract(
    "payments",
    Access(
        (
            Grant("bank"),
            Grant("own.open", columns=(*_OWN, "tenant"), rows=_OWNS),
            Grant("own.blind", columns=(*_OWN, "_ingest_time"), rows=_OWNS),
        )
    ),
)
LEDGER = contract("ledger", Access((Grant("bank"),)))
RATES = contract("rates", Access((Grant("bank"), Grant(columns=_OWN))))
CLOSED = contract("closed", Access())
CATALOG = Catalog((PAYMENTS, LEDGER, RATES, CLOSED))
_VISIBLE = {"payments": (*_OWN, "_ingest_time"), "rates": _OWN}
# What the house would be if nobody had ever thought of what `own.blind` may not see.
NAIVE = Catalog(
    tuple(
        dataclasses.replace(
            narrow(contract(name, PUBLIC, [one for one in _COLUMNS if one.name in _OWN]), visible),
            access=PUBLIC,
        )
        for name, visible in _VISIBLE.items()
    )
)


def secret_of(tenant: str) -> str:
    """Return a text that is in every row of the tenant and in no other."""
    return f"note-of-{tenant}"


def rows_of(tenant: str) -> list[Row]:
    """Return the tenant's payments."""
    return [
        (
            f"pay-{tenant}-{number}",
            NOW + timedelta(minutes=number),
            number,
            secret_of(tenant),
            tenant,
            770000 + number,
            f"message-{tenant}-{number}",
            NOW,
            NOW,
            '{"hidden": "extra-secret"}',
        )
        for number in range(ROWS_EACH)
    ]


@dataclass(frozen=True)
class GuardedHouse:
    """The app, its reader, and the API keys by the names they were issued under."""

    app: ASGIApp
    reader: WatchedReader
    client: httpx2.AsyncClient
    keys: Mapping[str, str]
    keys_file: Path

    async def get(self, url: str, key: str | None = None, **headers: str) -> httpx2.Response:
        """Return the answer to the holder of that key, by its name, or to nobody known."""
        credential = {} if key is None else {"X-API-Key": self.keys[key]}
        return await self.client.get(url, headers=credential | headers)

    async def rows(self, url: str, key: str | None = None) -> list[Any]:
        answer = await self.get(url, key)
        assert answer.status_code == 200, answer.text
        rows: list[Any] = answer.json()["data"]
        return rows


def orders() -> list[KeyOrder]:
    """Return what keys are issued: the bank's, and two for each tenant."""
    until = NOW + timedelta(days=365)
    bank = KeyOrder("bank", ("bank",), NOW, until)
    owned = [
        KeyOrder(f"{scope}:{tenant}".replace(":", "-"), (f"own.{scope}",), NOW, until, {"tenant": (tenant,)})
        for tenant in TENANTS
        for scope in ("open", "blind")
    ]
    return [bank, KeyOrder("nothing", ("nosuch",), NOW, until), *owned]


async def filled_vault(payers: Sequence[str] = TENANTS) -> duckdb.DuckDBPyConnection:
    """Return a warehouse in memory; `payers` are whose payments are stored."""
    connection = open_duckdb(None, [rows_table(one) for one in CATALOG])
    writer = DuckDBWriter(connection)
    for one in CATALOG:
        rows = [row for tenant in (payers if one is PAYMENTS else ("world",)) for row in rows_of(tenant)]
        assert not await writer.append(rows_table(one), rows)
    await writer.close()
    return connection


@asynccontextmanager
async def guarded_house(
    folder: Path,
    vault: duckdb.DuckDBPyConnection,
    catalog: Catalog = CATALOG,
    cache: Cache | None = None,
    **changes: Any,
) -> AsyncIterator[GuardedHouse]:
    """Open the house over a vault; its keys are in the folder, `changes` are those of its door."""
    kept, keys = StoredKeys(), {}
    for order in orders():
        kept, keys[order.name] = issue(kept, order)
    file = folder / "keys.json"
    file.write_bytes(write_keys(kept))
    reader = WatchedReader(DuckDBReader(vault, clock=lambda: NOW))
    door = dataclasses.replace(Door(keys=KeyFile(file, lambda: NOW), clock=lambda: NOW), **changes)
    app = build_api(catalog, reader, TokenSealer([bytes(range(32))]), door, cache)
    transport = RepeatingTransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as client:
        yield GuardedHouse(app, reader, client, keys, file)
    await reader.close()


def basic(user: str, password: str) -> str:
    """Return the field of the scheme that browsers ask people for."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
