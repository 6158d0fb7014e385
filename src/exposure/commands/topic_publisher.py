"""Publishes to one topic with the official client: in large batches, with a bound on what is outstanding.

The client's own retry goes on for ten minutes; here a topic that does not answer fails within seconds,
because a person waits. It imports the client at the top: commands import this module when they run.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import grpc
from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.types import BatchSettings
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from exposure.loopback import channel_options

_BATCH = BatchSettings(max_messages=1000, max_bytes=4_000_000, max_latency=0.01)
_OUTSTANDING_MESSAGES = 10_000
_OUTSTANDING_BYTES = 50_000_000
_CONNECT_SECONDS = 3
_RETRY_SECONDS = 8
_CALL_SECONDS = 30
_RETRY = Retry(
    predicate=if_exception_type(
        exceptions.Aborted,
        exceptions.DeadlineExceeded,
        exceptions.InternalServerError,
        exceptions.ResourceExhausted,
        exceptions.ServiceUnavailable,
        exceptions.Unknown,
    ),
    initial=0.1,
    maximum=2.0,
    timeout=_RETRY_SECONDS,
)
_ERRORS = (exceptions.GoogleAPIError, GoogleAuthError, TimeoutError)


class PublishFailed(Exception):
    """The topic took no message; the sentence says why and what to do."""


class TopicPublisher:
    """Publishes in the background; `published` and `failed` count what is settled.

    `emulator` is the address of a local Pub/Sub; None is Google's, with the caller's credentials.
    """

    def __init__(self, project: str, topic: str, emulator: str | None) -> None:
        self.published = 0
        self.failed = 0
        self.path = f"projects/{project}/topics/{topic}"
        self._where = emulator or "pubsub.googleapis.com"
        self._outstanding: deque[tuple[Any, int]] = deque()
        self._outstanding_bytes = 0
        self._client = _local_client(emulator) if emulator else _cloud_client()

    def publish(self, data: bytes) -> None:
        """Hand one message over; waits while too much is outstanding. Raises PublishFailed."""
        future = self._client.publish(self.path, data, retry=_RETRY, timeout=_CALL_SECONDS)
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
            future.result(timeout=_RETRY_SECONDS + _CALL_SECONDS)
        except _ERRORS as error:
            self.failed += 1
            raise PublishFailed(self._sentence(error)) from error
        self.published += 1

    def _sentence(self, error: Exception) -> str:
        if isinstance(error, exceptions.NotFound):
            return f"there is no topic {self.path} at {self._where}"
        if isinstance(error, exceptions.RetryError | exceptions.ServiceUnavailable | TimeoutError):
            return f"{self._where} does not answer"
        return f"{self._where} refuses: {getattr(error, 'message', None) or error}"


def _local_client(address: str) -> Any:
    """Return a client of the local Pub/Sub; raises PublishFailed when nothing listens there."""
    channel = grpc.insecure_channel(address, channel_options(address))
    try:
        grpc.channel_ready_future(channel).result(timeout=_CONNECT_SECONDS)
    except grpc.FutureTimeoutError as error:
        channel.close()
        raise PublishFailed(
            f"nothing answers at {address}; start the platform with `exposure local`, "
            "or name a Google Cloud project with --project"
        ) from error
    return PublisherClient(_BATCH, transport=PublisherGrpcTransport(channel=channel))


def _cloud_client() -> Any:
    """Return a client of Google's Pub/Sub; raises PublishFailed without credentials."""
    try:
        return PublisherClient(_BATCH)
    except GoogleAuthError as error:
        raise PublishFailed(
            "no Google Cloud credentials found; run `gcloud auth application-default login`"
        ) from error
