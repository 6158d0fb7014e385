"""Which web pages may read answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from duckdb import DuckDBPyConnection

from exposure.api.access.rate_limit import Limits, LocalBuckets, Quota
from fakes.guarded_house import guarded_house

PAGE = "https://page.example"
PREFLIGHT = {
    "Origin": PAGE,
    "Access-Control-Request-Method": "GET",
    "Access-Control-Request-Headers": "x-api-key",
}
PATHS = ("/v1", "/v1/rates", "/v1/nosuch", "/v1/rates?x=1", "/nosuch")


@pytest.mark.parametrize("path", PATHS)
async def test_a_page_of_an_allowed_origin_may_read_every_answer_errors_too(
    tmp_path: Path, vault: DuckDBPyConnection, path: str
) -> None:
    async with guarded_house(tmp_path, vault, origins=(PAGE, "https://other.example")) as house:
        for key in (None, "bank"):
            answer = await house.get(path, key, Origin=PAGE)
            assert answer.headers["access-control-allow-origin"] == PAGE
            assert answer.headers["access-control-expose-headers"] == "*"
            assert "Origin" in answer.headers["vary"]
            assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", f"{PAGE}.evil.example", "http://page.example", f"{PAGE}:8443", "null", "*", ""],
)
async def test_a_page_of_any_other_origin_may_not(
    tmp_path: Path, vault: DuckDBPyConnection, origin: str
) -> None:
    async with guarded_house(tmp_path, vault, origins=(PAGE,)) as house:
        answer = await house.get("/v1", Origin=origin)
        assert not any(name.startswith("access-control") for name in answer.headers)
        assert "Origin" in answer.headers["vary"]
        preflight = await house.client.request("OPTIONS", "/v1", headers=PREFLIGHT | {"Origin": origin})
        assert not any(name.startswith("access-control") for name in preflight.headers)


async def test_an_answer_without_an_origin_says_that_it_depends_on_one(
    tmp_path: Path, vault: DuckDBPyConnection
) -> None:
    async with guarded_house(tmp_path, vault, origins=(PAGE,)) as house:
        assert "Origin" in (await house.get("/v1")).headers["vary"]


@pytest.mark.parametrize("path", PATHS)
async def test_a_preflight_asks_nothing_of_anybody(
    tmp_path: Path, vault: DuckDBPyConnection, path: str
) -> None:
    one = Limits(LocalBuckets(), Quota("address", 1), None)
    async with guarded_house(tmp_path, vault, origins=(PAGE,), limits=one) as house:
        for _ in range(3):
            answer = await house.client.request("OPTIONS", path, headers=PREFLIGHT)
            assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert answer.headers["access-control-allow-methods"] == "GET, HEAD"
        assert "x-api-key" in answer.headers["access-control-allow-headers"].lower()
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert int(answer.headers["access-control-max-age"]) > 0
        assert not house.reader.questions
        assert (await house.get(path)).status_code != 429


async def test_an_options_request_that_is_no_preflight_is_told_the_methods_there_are(
    tmp_path: Path, vault: DuckDBPyConnection
) -> None:
    async with guarded_house(tmp_path, vault, origins=(PAGE,)) as house:
        answer = await house.client.request("OPTIONS", "/v1", headers={"Origin": PAGE})
        assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD")
        assert "access-control-allow-methods" not in answer.headers


async def test_every_page_may_read_where_every_origin_is_allowed(
    tmp_path: Path, vault: DuckDBPyConnection
) -> None:
    async with guarded_house(tmp_path, vault, origins=("*",)) as house:
        answer = await house.get("/v1", Origin="https://anybody.example")
        assert answer.headers["access-control-allow-origin"] == "*"
        assert (await house.client.request("OPTIONS", "/v1", headers=PREFLIGHT)).status_code == 204


async def test_unless_configured_no_page_may_read(tmp_path: Path, vault: DuckDBPyConnection) -> None:
    async with guarded_house(tmp_path, vault) as house:
        answer = await house.get("/v1", Origin=PAGE)
        assert not any(name.startswith("access-control") for name in answer.headers)
        preflight = await house.client.request("OPTIONS", "/v1", headers=PREFLIGHT)
        assert not any(name.startswith("access-control") for name in preflight.headers)
        answer = await house.client.get("/v1", headers={"Origin": PAGE, "X-API-Key": "x"})
        assert answer.status_code == 401


async def test_a_page_may_read_why_it_was_refused(tmp_path: Path, vault: DuckDBPyConnection) -> None:
    one = Limits(LocalBuckets(), Quota("address", 1), None)
    async with guarded_house(tmp_path, vault, origins=(PAGE,), limits=one) as house:
        wrong = await house.client.get("/v1", headers={"Origin": PAGE, "X-API-Key": "x"})
        many = await house.get("/v1", Origin=PAGE)
        long = await house.get(f"/{'x' * 9000}", Origin=PAGE)
        assert [one.status_code for one in (wrong, many, long)] == [401, 429, 414]
        for answer in (wrong, many, long):
            assert answer.headers["access-control-allow-origin"] == PAGE
