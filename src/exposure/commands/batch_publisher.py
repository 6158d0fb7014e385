"""Publishes whole batches with their attributes, and returns only when Pub/Sub has taken them.

The generated client, not the usual one: that takes attributes as keyword arguments, so some names cannot be
attributes, and it answers message by message, from its own threads.
"""

from __future__ import annotations

from collections.abc import Sequence

from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.types import PubsubMessage

from exposure.commands.pubsub_connection import (
    CALL_SECONDS,
    ERRORS,
    RETRY,
    credentials_needed,
    local_transport,
    publish_failed,
)
from exposure.ingest.replay import Replayed


class BatchPublisher:
    """Publishes to one topic; `emulator` is the address of a local Pub/Sub, None is Google's.

    Making it raises PublishFailed without credentials, or when nothing listens at the address.
    """

    def __init__(self, project: str, topic: str, emulator: str | None) -> None:
        self.path = f"projects/{project}/topics/{topic}"
        self._emulator = emulator
        with credentials_needed():
            self._client = PublisherClient(transport=local_transport(emulator) if emulator else None)

    def publish(self, messages: Sequence[Replayed]) -> None:
        """Return when Pub/Sub has taken all of them; raises PublishFailed, and then it may have, or not."""
        batch = [PubsubMessage(data=one.data, attributes=dict(one.attributes)) for one in messages]
        try:
            self._client.publish(topic=self.path, messages=batch, retry=RETRY, timeout=CALL_SECONDS)
        except ERRORS as error:
            raise publish_failed(error, self.path, self._emulator) from error

    def close(self) -> None:
        """Close the connection."""
        self._client.transport.close()  # type: ignore[no-untyped-call]
