"""The main job shown once, and the sentences for where it may stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exposure.contracts.catalog import CATALOG
from exposure.contracts.sample import SampleOptions, sample_messages
from exposure.local import demonstration
from exposure.local.demonstration import NotPublished, NotVisible, demonstrate
from exposure.local.feed import topic_path
from exposure.local.platform import Addresses, Platform, PlatformConfig
from exposure.local.pubsub.server import PubSubConfig, PubSubServer
from exposure.local.pubsub.wire import Topic
from fakes.canned_http import canned_http
from fakes.dead_proxy import lead_everything_to_a_dead_proxy

CONTRACT = CATALOG.get("analytics_table")
PATIENCE_SECONDS = 20.0
# Nothing listens on the port: it is below those that are given out.
NOWHERE = "127.0.0.1:9"


def samples(rows: int = 3) -> list[dict[str, object]]:
    start = datetime.now(UTC) - timedelta(minutes=1)
    options = SampleOptions(rows=rows, seed=1, start=start, step=timedelta(seconds=1))
    return list(sample_messages(CONTRACT, options))


@pytest.fixture
async def pubsub(tmp_path: Path) -> AsyncIterator[PubSubServer]:
    """A Pub/Sub with the topic and nobody who subscribes."""
    async with PubSubServer(PubSubConfig(tmp_path, 0)) as server:
        await server.broker.create_topic(Topic(name=topic_path(CONTRACT.topic)))
        yield server


def addresses_of(pubsub: PubSubServer, api: str = "http://unused") -> Addresses:
    return Addresses(api, "http://unused", pubsub.address)


async def silence(*_: object) -> None:
    await asyncio.Event().wait()


async def test_every_sample_is_served_whatever_proxy_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead_everything_to_a_dead_proxy(monkeypatch)
    config = PlatformConfig(tmp_path, api_port=0, ingest_port=0, pubsub_port=0)
    async with Platform(CATALOG, config) as platform:
        shown = await demonstrate(CONTRACT, samples(), platform.addresses, PATIENCE_SECONDS)
    assert {row["id"] for row in shown.rows} == {message["id"] for message in samples()}
    assert shown.seconds > 0


async def test_a_pubsub_that_is_not_there_is_told_with_topic_and_address() -> None:
    addresses = Addresses("http://unused", "http://unused", NOWHERE)
    sentence = f"{NOWHERE} did not take the messages for {topic_path(CONTRACT.topic)}: failed to connect"
    with pytest.raises(NotPublished, match=sentence):
        await demonstrate(CONTRACT, samples(), addresses, PATIENCE_SECONDS)


async def test_a_pubsub_that_does_not_answer_is_given_up(
    pubsub: PubSubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demonstration, "_PUBLISH_SECONDS", 0.2)
    monkeypatch.setattr(pubsub.broker, "publish", silence)
    with pytest.raises(NotPublished, match=r"did not take the messages for .*: Deadline Exceeded"):
        await demonstrate(CONTRACT, samples(), addresses_of(pubsub), PATIENCE_SECONDS)


async def test_a_topic_that_is_not_there_is_told_in_the_servers_words(pubsub: PubSubServer) -> None:
    await pubsub.broker.delete_topic(topic_path(CONTRACT.topic))
    with pytest.raises(NotPublished, match=r"did not take the messages for .*: Resource not found"):
        await demonstrate(CONTRACT, samples(), addresses_of(pubsub), PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ((200, b'{"data": []}'), "0 of 3 rows are visible after 0 s"),
        ((500, b"{}"), "the API answers 500 after 0 s"),
    ],
)
async def test_rows_that_do_not_appear_are_told_with_what_stood_in_the_way(
    pubsub: PubSubServer, answer: tuple[int, bytes], sentence: str
) -> None:
    with canned_http([answer]) as api, pytest.raises(NotVisible, match=f"analytics_table: {sentence}"):
        await demonstrate(CONTRACT, samples(), addresses_of(pubsub, api.url), 0.4)


async def test_an_api_that_is_not_there_is_told(pubsub: PubSubServer) -> None:
    with pytest.raises(NotVisible, match=r"analytics_table: the API does not answer \(.+\) after 0 s"):
        await demonstrate(CONTRACT, samples(), addresses_of(pubsub, f"http://{NOWHERE}"), 0.4)


async def test_it_can_be_given_up_while_it_publishes(
    pubsub: PubSubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = asyncio.Event()

    async def hang(*_: object) -> None:
        asked.set()
        await silence()

    monkeypatch.setattr(pubsub.broker, "publish", hang)
    showing = asyncio.create_task(demonstrate(CONTRACT, samples(), addresses_of(pubsub), PATIENCE_SECONDS))
    async with asyncio.timeout(PATIENCE_SECONDS / 2):
        await asked.wait()
        showing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await showing
