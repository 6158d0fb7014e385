"""Finds the handler of each gRPC call; what is not listed is answered UNIMPLEMENTED with a sentence.

Calls are matched by their full name, so no generated stubs are needed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.pubsub_v1 import types

from exposure.local.pubsub.broker import Broker
from exposure.local.pubsub.calls import Call
from exposure.local.pubsub.publisher_calls import publisher_calls
from exposure.local.pubsub.refusal import Refusal, not_built, unavailable
from exposure.local.pubsub.storage import StorageFailed
from exposure.local.pubsub.streaming import StreamingPull
from exposure.local.pubsub.subscriber_calls import subscriber_calls
from exposure.local.pubsub.wire import StreamingPullResponse

_PACKAGE = "google.pubsub.v1."


class PubSubService(grpc.GenericRpcHandler):  # type: ignore[misc]
    """The server's calls; grpc asks it once per call."""

    def __init__(self, broker: Broker) -> None:
        self._streams = StreamingPull(broker)
        self._handlers = {
            f"/{_PACKAGE}{name}": grpc.unary_unary_rpc_method_handler(
                _answered(call),
                request_deserializer=request.FromString,
                response_serializer=lambda answer: answer.SerializeToString(),
            )
            for name, (call, request) in (publisher_calls(broker) | subscriber_calls(broker)).items()
        }
        self._handlers[f"/{_PACKAGE}Subscriber/StreamingPull"] = grpc.stream_stream_rpc_method_handler(
            self._streams.serve,
            request_deserializer=types.StreamingPullRequest.pb().FromString,
            response_serializer=StreamingPullResponse.SerializeToString,
        )

    def close(self) -> None:
        """End the streams, so that the server need not wait for their clients."""
        self._streams.close()

    def service(self, handler_call_details: Any) -> Any:
        """Return the call's handler; for an unknown call, one that refuses it with a sentence."""
        method = handler_call_details.method
        return self._handlers.get(method) or grpc.unary_unary_rpc_method_handler(_refuse(method))


def _answered(call: Call) -> Callable[[Any, Any], Awaitable[Any]]:
    async def answer(request: Any, context: grpc.aio.ServicerContext) -> Any:
        try:
            return await call(request)
        except Refusal as refusal:
            await context.abort(refusal.code, refusal.sentence)
        except StorageFailed as error:
            again = unavailable(f"Nothing was stored: {error}.")
            await context.abort(again.code, again.sentence)

    return answer


def _refuse(method: str) -> Callable[[Any, Any], Awaitable[None]]:
    async def refuse(_: Any, context: grpc.aio.ServicerContext) -> None:
        refusal = not_built(f"the call {method.removeprefix('/')}")
        await context.abort(refusal.code, refusal.sentence)

    return refuse
