"""Publishes to one topic with the official client: in large batches, with a bound on what is outstanding.

It imports the client at the top: commands import this module when they run.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.types import BatchSettings

from exposure.commands.pubsub_connection import (
    CALL_SECONDS,
    ERRORS,
    RETRY,
    RETRY_SECONDS,
    PublishFailed,
    credentials_needed,
    local_transport,
    publish_failed,
)

_BATCH = BatchSettings(max_messages=1000, max_bytes=4_000_000, max_latency=0.01)
_OUTSTANDING_MESSAGES = 10_000
_OUTSTANDING_BYTES = 50_000_000


class TopicPublisher:
    """Publishes in the background; `published` and `failed` count what is settled.

    `emulator` is the address of a local Pub/Sub; None is Google's, with the caller's credentials.
    """

    def __init__(self, project: str, topic: str, emulator: str | None) -> None:
        self.published = 0
        self.failed = 0
        self.path = f"projects/{project}/topics/{topic}"
        self._emulator = emulator
        self._outstanding: deque[tuple[Any, int]] = deque()
        self._outstanding_bytes = 0
        self._client = _client(emulator)

    def publish(self, data: bytes) -> None:
        """Hand one message over; waits while too much is outstanding. Raises PublishFailed."""
        future = self._client.publish(self.path, data, retry=RETRY, timeout=CALL_SECONDS)
        self._outstanding.append((future, len(data)))
        self._outstanding_bytes += len(data)
        while len(self._outstanding) > _OUTSTANDING_MESSAGES or self._outstanding_bytes > _OUTSTANDING_BYTES:
            self._settle_oldest()

    def close(self) -> None:
        """Wait until every message is published or failed; raises PublishFailed for the first that failed."""
        first: PublishFailed | None = None
        self._client.stop()
        while self._outstanding:
            try:
                self._settle_oldest()
            except PublishFailed as error:
                first = first or error
        self._client.transport.close()
        if first is not None:
            raise first

    def _settle_oldest(self) -> None:
        future, size = self._outstanding.popleft()
        self._outstanding_bytes -= size
        try:
            future.result(timeout=RETRY_SECONDS + CALL_SECONDS)
        except ERRORS as error:
            self.failed += 1
            raise publish_failed(error, self.path, self._emulator) from error
        self.published += 1


def _client(emulator: str | None) -> Any:
    if emulator:
        otherwise = ", or name a Google Cloud project with --project"
        return PublisherClient(_BATCH, transport=local_transport(emulator, otherwise))
    with credentials_needed():
        return PublisherClient(_BATCH)
