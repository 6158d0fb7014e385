"""A Pub/Sub on loopback that takes some messages and then answers every Publish with one status."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.pubsub_v1 import types

_PUBLISH = "/google.pubsub.v1.Publisher/Publish"


class _Publisher(grpc.GenericRpcHandler):  # type: ignore[misc]
    def __init__(self, taken: int, code: grpc.StatusCode, sentence: str) -> None:
        self._left = taken
        self._code = code
        self._sentence = sentence
        self._ids = itertools.count()

    def service(self, handler_call_details: Any) -> Any:
        if handler_call_details.method != _PUBLISH:
            return None
        return grpc.unary_unary_rpc_method_handler(
            self._publish,
            request_deserializer=types.PublishRequest.pb().FromString,
            response_serializer=lambda answer: answer.SerializeToString(),
        )

    def _publish(self, request: Any, context: Any) -> Any:
        if len(request.messages) > self._left:
            context.abort(self._code, self._sentence)
        self._left -= len(request.messages)
        return types.PublishResponse.pb()(message_ids=[str(next(self._ids)) for _ in request.messages])


@contextmanager
def failing_pubsub(code: grpc.StatusCode, sentence: str = "", *, taken: int = 0) -> Iterator[str]:
    """Serve until the block ends; give the address."""
    # One at a time, so that requests are taken in the order they are sent.
    server = grpc.server(ThreadPoolExecutor(1), handlers=[_Publisher(taken, code, sentence)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()
