"""The main job shown once: sample messages published with the official client, then read over HTTP."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import grpc
import httpx2
from google.cloud import pubsub_v1
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from exposure.contracts.model import Contract
from exposure.local.feed import topic_path
from exposure.local.platform import Addresses

_POLL_SECONDS = 0.005
_PUBLISH_SECONDS = 30


class NotVisible(Exception):
    """Rows that were published did not appear in time."""


@dataclass(frozen=True)
class Demonstration:
    """What was served of one contract, and how long after its publishing began all of it was visible."""

    contract: Contract
    rows: Sequence[dict[str, object]]
    seconds: float


async def demonstrate(
    contract: Contract, messages: Iterable[dict[str, object]], addresses: Addresses, timeout_seconds: float
) -> Demonstration:
    """Publish the messages and return the rows the API serves for them; raises NotVisible."""
    messages = list(messages)
    started = await asyncio.to_thread(_publish, contract, messages, addresses.pubsub)
    keys = [str(message[contract.key]) for message in messages]
    rows = await _wait_for(contract, keys, addresses.api, started + timeout_seconds)
    return Demonstration(contract, rows, time.monotonic() - started)


def _publish(contract: Contract, messages: Sequence[dict[str, object]], address: str) -> float:
    """Publish over the network as anyone would; return when it began."""
    transport = PublisherGrpcTransport(channel=grpc.insecure_channel(address))
    publisher = pubsub_v1.PublisherClient(transport=transport)
    started = time.monotonic()
    topic = topic_path(contract.topic)
    futures = [publisher.publish(topic, json.dumps(message).encode()) for message in messages]
    for future in futures:
        future.result(timeout=_PUBLISH_SECONDS)
    publisher.stop()
    publisher.transport.close()
    return started


async def _wait_for(
    contract: Contract, keys: Sequence[str], api: str, deadline: float
) -> Sequence[dict[str, object]]:
    question = {f"{contract.key}.in": ",".join(keys), "page_size": str(len(keys))}
    async with httpx2.AsyncClient(base_url=api) as client:
        while True:
            answer = await client.get(f"/v1/{contract.name}", params=question)
            answer.raise_for_status()
            rows: list[dict[str, object]] = answer.json()["data"]
            if len(rows) == len(keys):
                return rows
            if time.monotonic() > deadline:
                raise NotVisible(f"{contract.name}: {len(rows)} of {len(keys)} rows are visible")
            await asyncio.sleep(_POLL_SECONDS)
