"""The same request gets the same answer without going the whole way, and never when it should not."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from duckdb import DuckDBPyConnection

from exposure.api.access.door import Door
from exposure.api.access.key_file import SECONDS_BETWEEN_LOOKS, KeyFile
from exposure.api.access.keys import read_keys, revoke, write_keys
from exposure.api.access.rate_limit import Limits, LocalBuckets, Quota
from exposure.api.cache.front import Front
from fakes.cached_house import PAST, CachedHouse, cached_house, status_of
from fakes.guarded_house import NOW

URL = "/v1/payments?page_size=3"
PAGE = "https://page.example"


class Ways:
    """Counts the requests that go the whole way."""

    def __init__(self, house: CachedHouse) -> None:
        assert isinstance(house.house.app, Front)
        self.front, self.whole = house.house.app, 0
        inner = self.front._app

        async def counted(*event: object) -> None:
            self.whole += 1
            await inner(*event)  # type: ignore[arg-type]

        self.front._app = counted


async def warm(house: CachedHouse, key: str | None = "bank", **fields: str) -> Ways:
    """Return what counts from now on; the question was asked so often that it needs not go the whole way."""
    for _ in range(3):
        assert (await house.get(URL, key, **fields)).status_code in (200, 304)
    return Ways(house)


def differing(one: httpx2.Response, other: httpx2.Response) -> set[str]:
    """Return the names of the fields that are not in both with the same value."""
    return {
        name for name in {*one.headers, *other.headers} if one.headers.get(name) != other.headers.get(name)
    }


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_short_way_says_what_the_whole_way_says(
    tmp_path: Path, vault: DuckDBPyConnection, method: str
) -> None:
    limits = Limits(LocalBuckets(lambda: 0.0), Quota("address", 1000), Quota("caller", 1000))
    async with cached_house(tmp_path, vault, limits=limits, origins=(PAGE,)) as house:
        fields = {"X-API-Key": house.house.keys["bank"], "Origin": PAGE}
        whole = [await house.house.client.request(method, URL, headers=fields) for _ in range(2)][1]
        ways = Ways(house)
        short = await house.house.client.request(method, URL, headers=fields)
        assert ways.whole == 0
        assert short.content == whole.content
        assert differing(whole, short) == {"x-request-id", "ratelimit"}
        assert short.headers["ratelimit"] == '"address";r=997;t=60, "caller";r=997;t=60'


async def test_a_client_that_has_the_answer_is_told_so_on_the_short_way(house: CachedHouse) -> None:
    tag = (await house.get(URL)).headers["etag"]
    ways = await warm(house, **{"If-None-Match": tag})
    answer = await house.get(URL, **{"If-None-Match": tag})
    assert (answer.status_code, answer.content, ways.whole) == (304, b"", 0)
    assert answer.headers["etag"] == tag


Change = Callable[[CachedHouse], Awaitable[None]]


async def a_new_version(house: CachedHouse) -> None:
    house.age(PAST)


async def a_dropped_entry(house: CachedHouse) -> None:
    for digest in list(house.cache.store._entries):
        house.cache.store.drop(digest)


async def another_entry(house: CachedHouse) -> None:
    for digest, entry in list(house.cache.store._entries.items()):
        house.cache.store.put(digest, type(entry)(entry.version, entry.fields, entry.body))


@pytest.mark.parametrize("change", [a_new_version, a_dropped_entry, another_entry])
async def test_what_has_changed_goes_the_whole_way(house: CachedHouse, change: Change) -> None:
    ways = await warm(house)
    await change(house)
    assert (await house.get(URL)).status_code == 200
    assert ways.whole == 1


async def test_another_credential_another_field_and_another_question_go_the_whole_way(
    house: CachedHouse,
) -> None:
    ways = await warm(house)
    requests: list[tuple[str, str | None, dict[str, str]]] = [
        (URL, "open-acme", {}),
        (URL, None, {}),
        (URL, "bank", {"Accept": "text/csv"}),
        (URL, "bank", {"Accept-Encoding": "br"}),
        (URL, "bank", {"If-None-Match": '"x"'}),
        (URL, "bank", {"Origin": PAGE}),
        (URL, "bank", {"Authorization": "Bearer x"}),
        (f"{URL}&x=1", "bank", {}),
        ("/v1/payments", "bank", {}),
    ]
    for url, key, fields in requests:
        await house.get(url, key, **fields)
    assert ways.whole == len(requests)


@pytest.mark.parametrize("status", [431, 414])
async def test_a_request_that_holds_too_much_is_refused_as_ever(house: CachedHouse, status: int) -> None:
    await warm(house)
    large = {"X": "y" * 40_000} if status == 431 else {}
    url = URL if status == 431 else f"{URL}&x={'y' * 9000}"
    assert (await house.get(url, **large)).status_code == status
    assert (await house.get(URL, **{f"X-{n}": "" for n in range(120)})).status_code == 431


class Opened:
    """A door whose clock a test turns, over the keys of a house."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.file = folder / "keys.json"

    def clock(self) -> datetime:
        return self.now

    def keys(self) -> KeyFile:
        return KeyFile(self.file, self.clock)


async def opened(folder: Path, house: CachedHouse) -> Opened:
    """Give the house a door with such a clock."""
    door = Opened(folder)
    front = house.house.app
    assert isinstance(front, Front)
    new = dataclasses.replace(Door(), keys=door.keys())
    front._door = new
    layer = front._app
    while not hasattr(layer, "_door"):
        layer = layer._app  # type: ignore[attr-defined]
    layer._door = new
    return door


async def test_a_revoked_key_opens_nothing_from_the_next_look_at_the_file_on(
    tmp_path: Path, house: CachedHouse
) -> None:
    door = await opened(tmp_path, house)
    ways = await warm(house)
    kept = read_keys(door.file.read_bytes())
    [key] = [one for one in kept.keys if one.name == "bank"]
    door.file.write_bytes(write_keys(revoke(kept, key.id, NOW)))
    assert (await house.get(URL)).status_code == 200
    assert ways.whole == 0
    door.now += timedelta(seconds=SECONDS_BETWEEN_LOOKS)
    assert (await house.get(URL)).status_code == 401
    assert (await house.get(URL)).status_code == 401
    assert status_of(await house.get(URL, "open-acme")) == "fwd=miss; stored"


async def test_an_expired_key_opens_nothing_from_that_moment_on(tmp_path: Path, house: CachedHouse) -> None:
    door = await opened(tmp_path, house)
    kept = json.loads(door.file.read_bytes())
    for key in kept["keys"]:
        key["expires"] = (NOW + timedelta(seconds=2)).isoformat()
    door.file.write_text(json.dumps(kept))
    door.now += timedelta(seconds=-60)
    door = await opened(tmp_path, house)
    ways = await warm(house)
    door.now += timedelta(seconds=1.9)
    assert (await house.get(URL)).status_code == 200
    assert ways.whole == 0
    door.now += timedelta(seconds=0.1)
    assert (await house.get(URL)).status_code == 401


async def test_a_look_at_an_unchanged_file_keeps_the_short_way(tmp_path: Path, house: CachedHouse) -> None:
    door = await opened(tmp_path, house)
    ways = await warm(house)
    door.now += timedelta(seconds=SECONDS_BETWEEN_LOOKS)
    assert (await house.get(URL)).status_code == 200
    assert ways.whole == 1
    assert (await house.get(URL)).status_code == 200
    assert ways.whole == 1


async def test_a_quota_counts_on_the_short_way_and_refuses_once(
    tmp_path: Path, vault: DuckDBPyConnection
) -> None:
    limits = Limits(LocalBuckets(lambda: 0.0), Quota("address", 6), Quota("caller", 5))
    async with cached_house(tmp_path, vault, limits=limits) as house:
        ways = await warm(house)
        for left in (1, 0):
            answer = await house.get(URL)
            assert f'"caller";r={left};' in answer.headers["ratelimit"]
        assert ways.whole == 0
        refused = await house.get(URL)
        assert refused.status_code == 429
        assert refused.json()["violated-policies"] == ["caller"]
        assert refused.headers["retry-after"]
        # Its address was counted once for it.
        assert refused.headers["ratelimit"].startswith('"address";r=0;')
        assert refused.headers["x-request-id"] == refused.json()["request_id"]
        assert (await house.get(URL)).json()["violated-policies"] == ["address"]


async def test_no_two_answers_have_one_request_id(house: CachedHouse) -> None:
    await warm(house)
    ids = {(await house.get(URL)).headers["x-request-id"] for _ in range(20)}
    assert len(ids) == 20


async def test_what_is_remembered_of_requests_is_bounded(
    house: CachedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exposure.api.cache.front._REMEMBERED", 5)
    ways = await warm(house)
    for size in range(10):
        for _ in range(2):
            await house.get(f"/v1/payments?page_size={size + 4}")
    assert len(ways.front._recalled) == 5
