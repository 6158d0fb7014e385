"""The main job shown once: sample messages published with the official client, then read over HTTP.

It can be cancelled at any moment: nothing of it runs on a thread, which would have to be waited for.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import grpc
import httpx2
from google.api_core.exceptions import GoogleAPICallError
from google.pubsub_v1 import PublisherAsyncClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport
from google.pubsub_v1.types import PubsubMessage

from exposure.contracts.model import Contract
from exposure.local.feed import topic_path
from exposure.local.platform import Addresses
from exposure.loopback import channel_options, is_loopback

_POLL_SECONDS = 0.005
_PUBLISH_SECONDS = 30


class DemonstrationFailed(Exception):
    """The main job was not done; the sentence says where it stopped."""


class NotPublished(DemonstrationFailed):
    """Pub/Sub did not take the messages."""


class NotVisible(DemonstrationFailed):
    """Rows that were published did not appear in time, or the API did not answer."""


@dataclass(frozen=True)
class Demonstration:
    """What was served of one contract, and how long after its publishing began all of it was visible."""

    contract: Contract
    rows: Sequence[dict[str, object]]
    seconds: float


async def demonstrate(
    contract: Contract, messages: Iterable[dict[str, object]], addresses: Addresses, timeout_seconds: float
) -> Demonstration:
    """Publish the messages and return the rows the API serves for them; raises NotPublished or NotVisible."""
    messages = list(messages)
    started = await _publish(contract, messages, addresses.pubsub)
    keys = [str(message[contract.key]) for message in messages]
    question = {f"{contract.key}.in": ",".join(keys), "page_size": str(len(keys))}
    complaint = ""
    async with httpx2.AsyncClient(base_url=addresses.api, trust_env=not is_loopback(addresses.api)) as client:
        while time.monotonic() < started + timeout_seconds:
            try:
                rows = await _ask(client, contract, question)
            except httpx2.HTTPError as error:
                complaint = _complaint(error)
            else:
                if len(rows) == len(keys):
                    return Demonstration(contract, rows, time.monotonic() - started)
                complaint = f"{len(rows)} of {len(keys)} rows are visible"
            await asyncio.sleep(_POLL_SECONDS)
    raise NotVisible(f"{contract.name}: {complaint} after {timeout_seconds:.0f} s")


async def _publish(contract: Contract, messages: Sequence[dict[str, object]], address: str) -> float:
    """Publish over the network as anyone would; return when it began."""
    topic = topic_path(contract.topic)
    data = [PubsubMessage(data=json.dumps(message).encode()) for message in messages]
    async with grpc.aio.insecure_channel(address, channel_options(address)) as channel:
        publisher = PublisherAsyncClient(transport=PublisherGrpcAsyncIOTransport(channel=channel))
        started = time.monotonic()
        try:
            # One attempt: who watches learns more from the first refusal than from waiting for the last.
            await publisher.publish(topic=topic, messages=data, retry=None, timeout=_PUBLISH_SECONDS)
        except GoogleAPICallError as error:
            raise NotPublished(f"{address} did not take the messages for {topic}: {error.message}") from error
        return started


async def _ask(
    client: httpx2.AsyncClient, contract: Contract, question: dict[str, str]
) -> list[dict[str, object]]:
    answer = await client.get(f"/v1/{contract.name}", params=question)
    answer.raise_for_status()
    rows: list[dict[str, object]] = answer.json()["data"]
    return rows


def _complaint(error: httpx2.HTTPError) -> str:
    if isinstance(error, httpx2.HTTPStatusError):
        return f"the API answers {error.response.status_code}"
    return f"the API does not answer ({str(error) or type(error).__name__})"
