"""What the commands that publish share: how Pub/Sub is reached, how long is tried, what a failure means.

It imports Pub/Sub's libraries at the top: commands import this module when they run.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from exposure.loopback import channel_options

_CONNECT_SECONDS = 3
CALL_SECONDS = 30
# The client's own retry goes on for ten minutes; a person waits here.
RETRY_SECONDS = 8
_PASSING = (
    exceptions.Aborted, exceptions.DeadlineExceeded, exceptions.InternalServerError,
    exceptions.ResourceExhausted, exceptions.ServiceUnavailable, exceptions.Unknown,
)  # fmt: skip
RETRY = Retry(predicate=if_exception_type(*_PASSING), initial=0.1, maximum=2.0, timeout=RETRY_SECONDS)
ERRORS = (exceptions.GoogleAPIError, GoogleAuthError, TimeoutError)
_SILENT = (
    exceptions.ServiceUnavailable, exceptions.DeadlineExceeded, exceptions.RetryError, TimeoutError,
)  # fmt: skip


class PublishFailed(Exception):
    """The topic took no message; the sentence says why and what to do."""


def local_transport(address: str, otherwise: str = "") -> PublisherGrpcTransport:
    """Return the transport to a local Pub/Sub; raises PublishFailed when nothing listens there.

    `otherwise` ends the sentence with what else can be done.
    """
    channel = grpc.insecure_channel(address, channel_options(address))
    try:
        grpc.channel_ready_future(channel).result(timeout=_CONNECT_SECONDS)
    except grpc.FutureTimeoutError as error:
        channel.close()
        raise PublishFailed(
            f"nothing answers at {address}; start the platform with `exposure local`{otherwise}"
        ) from error
    return PublisherGrpcTransport(channel=channel)


@contextmanager
def credentials_needed() -> Iterator[None]:
    """Turn the want of credentials into PublishFailed."""
    try:
        yield
    except GoogleAuthError as error:
        raise PublishFailed(
            "no Google Cloud credentials found; run `gcloud auth application-default login`"
        ) from error


def publish_failed(error: Exception, path: str, emulator: str | None) -> PublishFailed:
    """Return what one of `ERRORS` means for whoever published to the topic of that path."""
    where = emulator or "pubsub.googleapis.com"
    if isinstance(error, exceptions.NotFound):
        return PublishFailed(f"there is no topic {path} at {where}")
    if isinstance(error, _SILENT):
        return PublishFailed(f"{where} does not answer")
    return PublishFailed(f"{where} refuses: {getattr(error, 'message', None) or error}")
