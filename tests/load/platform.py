"""The platform under load as publishers and readers see it, local or deployed, over the network only."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import grpc
import httpx2
from google.api_core.exceptions import GoogleAPICallError
from google.pubsub_v1 import PublisherAsyncClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport
from google.pubsub_v1.types import PubsubMessage

from exposure.contracts.model import Contract
from exposure.contracts.sample import SampleOptions, sample_messages
from exposure.loopback import channel_options, is_loopback
from load.constant_rate import Answer

_ENDLESS = 10**9
_SECONDS = 30.0
_POLL_SECONDS = 0.02
_VISIBLE_SECONDS = 60.0


@dataclass(frozen=True)
class Addresses:
    """Where to read and to publish; `pubsub` is a local server's host and port, None is Google's."""

    api: str
    project: str
    pubsub: str | None


class Platform:
    """One contract's two roads, each request one attempt."""

    def __init__(
        self, contract: Contract, topic: str, reader: httpx2.AsyncClient, publisher: PublisherAsyncClient
    ) -> None:
        self._contract = contract
        self._topic = topic
        self._reader = reader
        self._publisher = publisher
        self._messages = _fresh_messages(contract)

    async def read(self, path: str) -> Answer:
        """Ask one question; an answer that is not 200 is a failure."""
        try:
            answer = await self._reader.get(path)
        except httpx2.HTTPError as error:
            return Answer("read", type(error).__name__)
        return Answer("read", None if answer.status_code == 200 else f"read: {answer.status_code}")

    async def publish(self) -> Answer:
        """Publish one message that nobody published before."""
        return Answer("publish", await self._publish(next(self._messages)))

    async def seconds_to_visible(self) -> float:
        """Publish a message and return when the API serves it; the longest wait when it does not in time."""
        message = next(self._messages)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        if await self._publish(message) is None:
            path = f"/v1/{self._contract.name}/{message[self._contract.key]}"
            while loop.time() < begun + _VISIBLE_SECONDS:
                if (await self.read(path)).failure is None:
                    return loop.time() - begun
                await asyncio.sleep(_POLL_SECONDS)
        return _VISIBLE_SECONDS

    async def fill(self, rows: int) -> list[str]:
        """Publish so many messages and return their keys once the last of them is served."""
        messages = list(itertools.islice(self._messages, rows))
        for first in range(0, rows, 500):
            failure = await self._publish(*messages[first : first + 500])
            if failure is not None:
                raise ConnectionError(f"nothing was published: {failure}")
        await self.seconds_to_visible()
        return [str(message[self._contract.key]) for message in messages]

    async def _publish(self, *messages: dict[str, object]) -> str | None:
        data = [PubsubMessage(data=json.dumps(message).encode()) for message in messages]
        try:
            await self._publisher.publish(topic=self._topic, messages=data, retry=None, timeout=_SECONDS)
        except GoogleAPICallError as error:
            return f"publish: {type(error).__name__}"
        return None


@asynccontextmanager
async def connected(contract: Contract, addresses: Addresses) -> AsyncIterator[Platform]:
    """Open both roads until the block ends; Google's Pub/Sub is asked with the caller's own credentials."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100)
    reader = httpx2.AsyncClient(
        base_url=addresses.api, limits=limits, timeout=_SECONDS, trust_env=not is_loopback(addresses.api)
    )
    topic = f"projects/{addresses.project}/topics/{contract.topic}"
    async with reader:
        if addresses.pubsub is None:
            yield Platform(contract, topic, reader, PublisherAsyncClient())
            return
        async with grpc.aio.insecure_channel(addresses.pubsub, channel_options(addresses.pubsub)) as channel:
            publisher = PublisherAsyncClient(transport=PublisherGrpcAsyncIOTransport(channel=channel))
            yield Platform(contract, topic, reader, publisher)


def _fresh_messages(contract: Contract) -> Iterator[dict[str, object]]:
    now = datetime.now(UTC)
    return sample_messages(contract, SampleOptions(_ENDLESS, seed=int(now.timestamp() * 1000), start=now))
