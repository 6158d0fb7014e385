"""The embedded platform as a whole, in this process."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from exposure.contracts.catalog import CATALOG
from exposure.local.feed import subscription_path, topic_path
from exposure.local.platform import Platform, PlatformConfig
from exposure.local.ports import HttpServer
from exposure.local.pubsub.server import PortInUse, PubSubFailed
from exposure.local.pubsub.storage import DataFileBroken, DataFolderLocked
from exposure.local.pubsub.wire import PubsubMessage
from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable
from fakes.dead_proxy import lead_everything_to_a_dead_proxy

CONTRACT = CATALOG.get("analytics_table")
PATIENCE_SECONDS = 20


def platform_over(data_dir: Path) -> Platform:
    return Platform(CATALOG, PlatformConfig(data_dir, api_port=0, ingest_port=0, pubsub_port=0))


async def publish(platform: Platform, data: bytes) -> None:
    await platform._pubsub.broker.publish(topic_path(CONTRACT.topic), [PubsubMessage(data=data)])


async def wait_until_acknowledged(platform: Platform) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while platform._pubsub.backlog(subscription_path(CONTRACT.subscription)):
            await asyncio.sleep(0.005)


async def start_and_stop(data_dir: Path) -> None:
    async with platform_over(data_dir):
        pass


async def test_a_message_becomes_a_row_whatever_proxy_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_everything_to_a_dead_proxy(monkeypatch)
    async with platform_over(tmp_path) as platform:
        await publish(platform, json.dumps({"id": "a", "timestamp": "2026-11-25T12:00:00Z"}).encode())
        await wait_until_acknowledged(platform)
        async with httpx2.AsyncClient(base_url=platform.addresses.api, trust_env=False) as client:
            assert (await client.get("/v1/analytics_table/a")).status_code == 200


async def test_a_page_token_of_before_a_restart_is_taken_after_it(tmp_path: Path) -> None:
    await start_and_stop(tmp_path)
    key = (tmp_path / "page-token.key").read_bytes()
    await start_and_stop(tmp_path)
    assert (tmp_path / "page-token.key").read_bytes() == key
    assert len(key) == 32


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("page-token.key", r"page-token\.key has 3 bytes, a key 32; delete it, and the next start"),
        ("push-key.pem", r"push-key\.pem holds no private RSA key; delete it, and the next start"),
        ("pubsub.sqlite", r"pubsub\.sqlite is not the message store .* move it away to start empty"),
    ],
)
async def test_a_broken_file_is_named_with_the_way_out_and_the_way_out_leads_out(
    tmp_path: Path, name: str, sentence: str
) -> None:
    (tmp_path / name).write_bytes(b"cut")
    for _ in range(2):
        with pytest.raises(DataFileBroken, match=sentence):
            await start_and_stop(tmp_path)
    (tmp_path / name).unlink()
    await start_and_stop(tmp_path)


async def test_a_broken_warehouse_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "warehouse.duckdb").write_bytes(b"no database" * 1000)
    with pytest.raises(WarehouseMisconfigured, match=r"warehouse\.duckdb cannot be opened"):
        await start_and_stop(tmp_path)


async def test_a_second_platform_on_a_data_folder_is_refused(tmp_path: Path) -> None:
    async with platform_over(tmp_path):
        with pytest.raises((DataFolderLocked, WarehouseUnavailable, WarehouseMisconfigured)):
            await start_and_stop(tmp_path)


async def test_a_start_that_fails_frees_what_it_had_taken(tmp_path: Path) -> None:
    taken = HttpServer(0)
    port = int(taken.url.rsplit(":", 1)[1])
    for which in ("api_port", "ingest_port", "pubsub_port"):
        ports: dict[str, Any] = {"api_port": 0, "ingest_port": 0, "pubsub_port": 0, which: port}
        with pytest.raises(PortInUse, match=str(port)):
            async with Platform(CATALOG, PlatformConfig(tmp_path, **ports)):
                pass
    await taken.stop()
    await start_and_stop(tmp_path)


async def test_an_error_of_its_own_ends_the_waiting_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("planted")

    async with platform_over(tmp_path) as platform:
        monkeypatch.setattr(platform._pubsub.broker, "wake", broken)
        async with asyncio.timeout(PATIENCE_SECONDS):
            with pytest.raises(PubSubFailed, match="planted"):
                await platform.failed()
