"""The gRPC channel to Pub/Sub that the pullers of one process share."""

from __future__ import annotations

from typing import Any

import grpc
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcAsyncIOTransport

_OPTIONS = (
    # A response carries up to 20 MB of messages.
    ("grpc.max_receive_message_length", -1),
    # By default a channel waits up to two minutes before it dials again; pullers have their own waits.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.use_local_subchannel_pool", 1),
)


def open_transport(endpoint: str | None) -> SubscriberGrpcAsyncIOTransport:
    """Return the transport; call it on the running loop, which it belongs to.

    `endpoint` is an emulator's address (`host:port`, no TLS, no credentials); None is Google with the
    process's own credentials. Raises google.auth's GoogleAuthError when there are none.
    """
    if endpoint is None:
        return SubscriberGrpcAsyncIOTransport(channel=_google_channel)
    return SubscriberGrpcAsyncIOTransport(channel=grpc.aio.insecure_channel(endpoint, options=_OPTIONS))


def _google_channel(host: str, **settings: Any) -> Any:
    return SubscriberGrpcAsyncIOTransport.create_channel(host, **settings | {"options": _OPTIONS})
