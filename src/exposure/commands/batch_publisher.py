"""Publishes whole batches with their attributes, and returns only when Pub/Sub has taken them.

The generated client, not the usual one: that takes attributes as keyword arguments, so some names cannot be
attributes, and it answers message by message, from its own threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc
from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.types import PubsubMessage

from exposure.commands.topic_publisher import PublishFailed
from exposure.ingest.replay import Replayed
from exposure.loopback import channel_options

_CONNECT_SECONDS = 3
_CALL_SECONDS = 30
# The client's own retry goes on for ten minutes; a person waits here, and can go on later.
_RETRY_SECONDS = 8
_PASSING = (
    exceptions.Aborted, exceptions.DeadlineExceeded, exceptions.InternalServerError,
    exceptions.ResourceExhausted, exceptions.ServiceUnavailable, exceptions.Unknown,
)  # fmt: skip
_RETRY = Retry(predicate=if_exception_type(*_PASSING), initial=0.1, maximum=2.0, timeout=_RETRY_SECONDS)
_SILENT = (exceptions.ServiceUnavailable, exceptions.DeadlineExceeded, exceptions.RetryError)


class BatchPublisher:
    """Publishes to one topic; `emulator` is the address of a local Pub/Sub, None is Google's.

    Making it raises PublishFailed without credentials, or when nothing listens at the address.
    """

    def __init__(self, project: str, topic: str, emulator: str | None) -> None:
        self.path = f"projects/{project}/topics/{topic}"
        self._where = emulator or "pubsub.googleapis.com"
        try:
            self._client = PublisherClient(transport=_transport(emulator)) if emulator else PublisherClient()
        except GoogleAuthError as error:
            raise PublishFailed(
                "no Google Cloud credentials found; run `gcloud auth application-default login`"
            ) from error

    def publish(self, messages: Sequence[Replayed]) -> None:
        """Return when Pub/Sub has taken all of them; raises PublishFailed, and then it may have, or not."""
        batch = [PubsubMessage(data=one.data, attributes=dict(one.attributes)) for one in messages]
        try:
            self._client.publish(topic=self.path, messages=batch, retry=_RETRY, timeout=_CALL_SECONDS)
        except (exceptions.GoogleAPIError, GoogleAuthError) as error:
            raise PublishFailed(self._sentence(error)) from error

    def close(self) -> None:
        """Close the connection."""
        self._client.transport.close()  # type: ignore[no-untyped-call]

    def _sentence(self, error: Exception) -> str:
        if isinstance(error, exceptions.NotFound):
            return f"there is no topic {self.path} at {self._where}"
        if isinstance(error, _SILENT):
            return f"{self._where} does not answer"
        return f"{self._where} refuses: {getattr(error, 'message', None) or error}"


def _transport(address: str) -> Any:
    channel = grpc.insecure_channel(address, channel_options(address))
    try:
        grpc.channel_ready_future(channel).result(timeout=_CONNECT_SECONDS)
    except grpc.FutureTimeoutError as error:
        channel.close()
        raise PublishFailed(
            f"nothing answers at {address}; start the platform with `exposure local`"
        ) from error
    return PublisherGrpcTransport(channel=channel)
