"""Every way to read rows, in every format: a caller's own rows and columns, and nobody else's."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from fakes.guarded_house import ROWS_EACH, TENANTS, GuardedHouse, secret_of

Rows = list[dict[str, Any]]
READ: dict[str, Callable[[bytes], Rows]] = {
    "json": lambda body: list(json.loads(body)["data"]),
    "ndjson": lambda body: [json.loads(line) for line in body.splitlines()],
    "csv": lambda body: list(csv.DictReader(io.StringIO(body.decode()))),
    "arrow": lambda body: list(pa.ipc.open_stream(body).read_all().to_pylist()),
    "parquet": lambda body: list(parquet.read_table(io.BytesIO(body)).to_pylist()),
}
WAYS = ("/v1/payments?page_size=1000&", "/v1/payments:export?")
VISIBLE = {
    "open": {"payment", "at", "amount", "note", "tenant"},
    "blind": {"payment", "at", "amount", "note"},
}


@pytest.mark.parametrize("name", READ)
@pytest.mark.parametrize("way", WAYS)
async def test_in_every_format_each_key_reads_its_own_rows_and_columns_alone(
    house: GuardedHouse, way: str, name: str
) -> None:
    for tenant in TENANTS:
        for scope, columns in VISIBLE.items():
            answer = await house.get(f"{way}format={name}", f"{scope}-{tenant}")
            rows = READ[name](answer.content)
            assert {row["payment"] for row in rows} == {f"pay-{tenant}-{one}" for one in range(ROWS_EACH)}
            assert all(set(row) == columns for row in rows)


@pytest.mark.parametrize("name", READ)
async def test_in_every_format_a_row_of_somebody_else_is_not_there(house: GuardedHouse, name: str) -> None:
    for tenant in TENANTS:
        for other in TENANTS:
            url = f"/v1/payments/pay-{other}-1?format={name}"
            answer = await house.get(url, f"blind-{tenant}")
            assert answer.status_code == (200 if other == tenant else 404)


async def test_what_is_asked_at_once_is_answered_to_whoever_asked_it(house: GuardedHouse) -> None:
    keys = [f"{scope}-{tenant}" for tenant in TENANTS for scope in VISIBLE] * 5
    answers = await asyncio.gather(*(house.rows("/v1/payments?page_size=1000", key) for key in keys))
    for key, rows in zip(keys, answers, strict=True):
        scope, _, tenant = key.partition("-")
        assert {row["note"] for row in rows} == {secret_of(tenant)}
        assert set(rows[0]) == VISIBLE[scope]
