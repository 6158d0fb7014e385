"""How often one may come in, whatever is asked for, and the life of what answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from duckdb import DuckDBPyConnection

from exposure.api.access.door import Door
from exposure.api.access.rate_limit import Limits, LocalBuckets, Quota
from exposure.api.app import build_api
from exposure.api.problems import QUOTA_EXCEEDED
from exposure.api.seal import TokenSealer
from exposure.contracts.access import CLOSED
from exposure.contracts.catalog import Catalog
from fakes.asgi_request import ask_raw
from fakes.declarations import declared
from fakes.guarded_house import GuardedHouse, guarded_house
from fakes.turned_clock import TurnedClock

PATHS = (
    "/", "/v1", "/v1/payments", "/v1/payments/pay-acme-1", "/v1/payments:schema", "/v1/ledger", "/v1/nosuch",
    "/openapi.json", "/docs", "/problems/not-found", "/nosuch",
)  # fmt: skip
WRONG_KEY = f"dxp_{'0' * 16}_{'a' * 43}"


def limits(clock: TurnedClock, address: int, caller: int) -> Limits:
    return Limits(LocalBuckets(clock), Quota("address", address), Quota("caller", caller))


@pytest.mark.parametrize("path", PATHS)
async def test_one_request_too_many_is_refused_whatever_is_asked(
    tmp_path: Path, vault: DuckDBPyConnection, path: str
) -> None:
    clock = TurnedClock()
    async with guarded_house(tmp_path, vault, limits=limits(clock, 3, 100)) as house:
        answers = [await house.get(path) for _ in range(4)]
        assert [answer.status_code == 429 for answer in answers] == [False, False, False, True]
        problem = answers[-1].json()
        assert (problem["code"], problem["violated-policies"]) == ("QUOTA_EXCEEDED", ["address"])
        assert problem["type"] == QUOTA_EXCEEDED.type
        assert answers[-1].headers["link"] == f'<{QUOTA_EXCEEDED.path}>; rel="help"'
        assert (await house.get(QUOTA_EXCEEDED.path)).status_code == 429
        assert answers[0].headers["ratelimit-policy"] == '"address";q=3;w=60'
        assert [answer.headers["ratelimit"] for answer in answers] == [
            '"address";r=2;t=40', '"address";r=1;t=20', '"address";r=0;t=20', '"address";r=0;t=20',
        ]  # fmt: skip
        assert [answer.headers.get("retry-after") for answer in answers] == [None, None, None, "20"]
        clock.turn(20)
        assert (await house.get(path)).status_code != 429


async def test_a_caller_has_a_quota_of_its_own_wherever_it_calls_from(
    tmp_path: Path, vault: DuckDBPyConnection
) -> None:
    async with guarded_house(
        tmp_path, vault, limits=limits(TurnedClock(), 100, 2), trusted_proxies=1
    ) as house:
        statuses = [
            (await house.get("/v1", "bank", **{"X-Forwarded-For": f"1.1.1.{number}"})).status_code
            for number in range(4)
        ]
        assert statuses == [200, 200, 429, 429]
        assert (await house.get("/v1", "open-acme")).status_code == 200
        answer = await house.get("/v1", "bank")
        assert answer.json()["violated-policies"] == ["caller"]
        assert answer.headers["ratelimit-policy"] == '"address";q=100;w=60, "caller";q=2;w=60'


async def test_a_forged_address_opens_no_new_quota(tmp_path: Path, vault: DuckDBPyConnection) -> None:
    async with guarded_house(
        tmp_path, vault, limits=limits(TurnedClock(), 2, 100), trusted_proxies=1
    ) as house:
        for number in range(4):
            answer = await house.get("/v1", **{"X-Forwarded-For": f"6.6.6.{number}, 1.1.1.1"})
        assert answer.status_code == 429


async def test_who_tries_keys_runs_out_of_tries(tmp_path: Path, vault: DuckDBPyConnection) -> None:
    async with guarded_house(tmp_path, vault, limits=limits(TurnedClock(), 3, 100)) as house:
        statuses = [
            (await house.client.get("/v1", headers={"X-API-Key": WRONG_KEY})).status_code for _ in range(5)
        ]
        assert statuses == [401, 401, 401, 429, 429]


async def test_a_wrong_key_costs_the_right_ones_caller_nothing(
    tmp_path: Path, vault: DuckDBPyConnection
) -> None:
    async with guarded_house(
        tmp_path, vault, limits=limits(TurnedClock(), 100, 2), trusted_proxies=1
    ) as house:
        almost = house.keys["bank"][:-1] + ("a" if house.keys["bank"][-1] != "a" else "b")
        for _ in range(9):
            assert (await house.client.get("/v1", headers={"X-API-Key": almost})).status_code == 401
        assert (await house.get("/v1", "bank")).status_code == 200


async def test_probes_are_answered_however_much_is_asked_and_whatever_they_carry(
    tmp_path: Path, vault: DuckDBPyConnection
) -> None:
    async with guarded_house(tmp_path, vault, limits=limits(TurnedClock(), 1, 1)) as house:
        for _ in range(5):
            await house.get("/v1")
        for path in ("/health/live", "/health/ready"):
            for fields in ({}, {"X-API-Key": WRONG_KEY}):
                assert (await house.client.get(path, headers=fields)).status_code == 200


async def test_a_deployment_without_limits_says_nothing_of_any(house: GuardedHouse) -> None:
    assert not {"ratelimit", "ratelimit-policy"} & set((await house.get("/v1")).headers)


class Idle:
    """A reader, or what callers are known by, that is never asked."""

    def __init__(self) -> None:
        self.is_closed = False

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} is asked")

    async def close(self) -> None:
        self.is_closed = True


async def test_a_contract_that_nobody_may_read_is_told_to_the_operator(
    caplog: pytest.LogCaptureFixture,
) -> None:
    build_api(Catalog((declared(access=CLOSED),)), Idle(), TokenSealer([bytes(32)]))
    assert "'visits' grants nobody anything" in caplog.text


async def test_the_life_of_the_app_closes_what_callers_are_known_by() -> None:
    source, reader = Idle(), Idle()
    app = build_api(Catalog((declared(),)), reader, TokenSealer([bytes(32)]), Door(keys=source))
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive() -> Any:
        return events.pop(0)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert (source.is_closed, reader.is_closed) == (True, True)


async def test_there_are_never_more_applications_than_may_be_kept(
    house: GuardedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exposure.api.access.layer._KEPT_APPS", 2)
    for key in (None, "bank", "open-acme", "blind-acme", None, "bank"):
        answer = await ask_raw(house.app, b"/v1")
        assert answer.status == 200
        assert (await house.get("/v1", key)).status_code == 200
