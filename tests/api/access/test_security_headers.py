"""Every answer, refusals of every layer and our own faults among them, carries what protects its reader."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest
from duckdb import DuckDBPyConnection

from exposure.api.access.rate_limit import Limits, LocalBuckets, Quota
from exposure.local.ports import HttpServer
from fakes.guarded_house import guarded_house

PAGE = "https://page.example"
REQUESTS = {
    "page": (200, "GET", "/v1/rates", {}),
    "documentation": (200, "GET", "/docs", {}),
    "HEAD": (200, "HEAD", "/v1/rates", {}),
    "preflight": (204, "OPTIONS", "/v1", {"Origin": PAGE, "Access-Control-Request-Method": "GET"}),
    "wrong parameter": (400, "GET", "/v1/rates?x=1", {}),
    "wrong key": (401, "GET", "/v1/rates", {"X-API-Key": "x"}),
    "unknown contract": (404, "GET", "/v1/nosuch", {}),
    "unknown path": (404, "GET", "/nosuch", {}),
    "method": (405, "POST", "/v1/rates", {}),
    "representation": (406, "GET", "/v1/rates", {"Accept": "image/png"}),
    "long URL": (414, "GET", f"/{'x' * 9000}", {}),
    "large header": (431, "GET", "/v1/rates", {"X": "y" * 40_000}),
}


def is_protected(answer: httpx2.Response) -> None:
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["strict-transport-security"].startswith("max-age=63072000")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-request-id"]
    assert "server" not in answer.headers
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(("status", "method", "path", "fields"), REQUESTS.values(), ids=REQUESTS.keys())
async def test_every_answer_is_protected(
    tmp_path: Path, vault: DuckDBPyConnection, status: int, method: str, path: str, fields: dict[str, str]
) -> None:
    async with guarded_house(tmp_path, vault, origins=(PAGE,)) as house:
        answer = await house.client.request(method, path, headers=fields)
        assert answer.status_code == status
        is_protected(answer)


async def test_a_refusal_for_asking_too_much_and_a_fault_of_ours_are_protected_too(
    tmp_path: Path, vault: DuckDBPyConnection
) -> None:
    one = Limits(LocalBuckets(), Quota("address", 1), None)
    async with guarded_house(tmp_path, vault, limits=one) as house:
        house.reader.failure = RuntimeError("broken")
        for status in (500, 429):
            answer = await house.get("/v1/rates")
            assert answer.status_code == status
            is_protected(answer)


async def test_a_real_server_that_bounds_nothing_passes_on_what_is_refused_here(
    tmp_path: Path, vault: DuckDBPyConnection
) -> None:
    server = HttpServer(0)
    async with guarded_house(tmp_path, vault) as house:
        await server.start(house.app)
        async with httpx2.AsyncClient(base_url=server.url) as client:
            many = [(f"X-{number}", "y") for number in range(1000)]
            answers = [
                await client.get("/v1/rates", headers=many),
                await client.get("/v1/rates", headers={"X": "y" * 40_000}),
                await client.get("/v1/rates", headers={"X-API-Key": house.keys["bank"]}),
                await client.get("/v1/ledger", headers={"Authorization": f"Bearer {house.keys['bank']}"}),
            ]
        await server.stop()
    assert [answer.status_code for answer in answers] == [431, 431, 200, 200]
    for answer in answers:
        is_protected(answer)
