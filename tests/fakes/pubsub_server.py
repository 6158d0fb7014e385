"""The local Pub/Sub server on a thread and a loop of its own, and the official clients that talk to it."""

from __future__ import annotations

import asyncio
import threading
import time
import warnings
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from google.api_core.gapic_v1.method import DEFAULT
from google.cloud import pubsub_v1
from google.pubsub_v1 import PublisherClient as GeneratedPublisher

from exposure.local.pubsub.server import PubSubConfig, PubSubServer

PROJECT = "local"
PATIENCE_SECONDS = 20.0
T = TypeVar("T")


def topic_path(name: str) -> str:
    return f"projects/{PROJECT}/topics/{name}"


def subscription_path(name: str) -> str:
    return f"projects/{PROJECT}/subscriptions/{name}"


class PubSubThread:
    """A started server; `call` runs a coroutine on its loop."""

    def __init__(self, config: PubSubConfig) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.server = PubSubServer(config)
        try:
            self.call(self.server.start())
        except BaseException:
            self._end_loop()
            raise

    def call(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE_SECONDS)

    def attempts(self, subscription: str) -> list[int]:
        """Return how often each message that is not acknowledged has failed."""

        async def count() -> list[int]:
            return [delivery.attempts for delivery in self.server.broker.subscription(subscription)]

        return self.call(count())

    def stop(self) -> None:
        self.call(self.server.stop())
        self._end_loop()

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_SECONDS)
        self._loop.close()


class Clients:
    """The official clients, found by PUBSUB_EMULATOR_HOST as any program finds them, with short names."""

    def __init__(self) -> None:
        self.publisher = pubsub_v1.PublisherClient(
            publisher_options=pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
        )
        self.subscriber = pubsub_v1.SubscriberClient()

    def close(self) -> None:
        self.publisher.stop()
        self.publisher.transport.close()
        self.subscriber.close()

    def declare(self, name: str, **subscription: Any) -> None:
        """Create the topic `name` and a subscription of the same name."""
        self.publisher.create_topic(name=topic_path(name))
        self.subscribe(name, **subscription)

    def subscribe(self, name: str, **subscription: Any) -> None:
        request = {"name": subscription_path(name), "topic": topic_path(name), **subscription}
        self.subscriber.create_subscription(request=request)

    def publish(self, name: str, *data: bytes, key: str = "", **attributes: str) -> list[str]:
        """Publish in one request and return the ids."""
        return self.publish_raw(
            name, *({"data": each, "attributes": attributes, "ordering_key": key} for each in data)
        )

    def publish_raw(self, name: str, *messages: dict[str, Any], retry: Any = DEFAULT) -> list[str]:
        """Publish messages as they are; the client's own `publish` takes one at a time and batches."""
        request = {"topic": topic_path(name), "messages": list(messages)}
        answer = GeneratedPublisher.publish(self.publisher, request=request, retry=retry)
        return list(answer.message_ids)

    def pull(self, name: str, most: int = 100) -> list[Any]:
        """Return what is there now, without waiting for more."""
        request = {"subscription": subscription_path(name), "max_messages": most, "return_immediately": True}
        with warnings.catch_warnings():
            # The flag is deprecated for programs; for a test it says what it needs.
            warnings.simplefilter("ignore", DeprecationWarning)
            return list(self.subscriber.pull(request=request).received_messages)

    def pulled(self, name: str, count: int = 1) -> list[Any]:
        """Return the next messages, waiting for them."""
        received: list[Any] = []

        def pull_more() -> bool:
            received.extend(self.pull(name, count - len(received)))
            return len(received) >= count

        wait_until(pull_more)
        return received

    def acknowledge(self, name: str, *messages: Any) -> None:
        ack_ids = [message.ack_id for message in messages]
        self.subscriber.acknowledge(subscription=subscription_path(name), ack_ids=ack_ids)

    def nack(self, name: str, *messages: Any) -> None:
        self.extend(name, 0, *messages)

    def extend(self, name: str, seconds: int, *messages: Any) -> None:
        self.subscriber.modify_ack_deadline(
            request={
                "subscription": subscription_path(name),
                "ack_ids": [message.ack_id for message in messages],
                "ack_deadline_seconds": seconds,
            }
        )


def data_of(messages: list[Any]) -> list[bytes]:
    return [message.message.data for message in messages]


def wait_until(condition: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> None:
    """Return as soon as the condition holds; fail when it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


@contextmanager
def running(data_dir: Path, **options: Any) -> Iterator[PubSubThread]:
    thread = PubSubThread(PubSubConfig(data_dir, port=options.pop("port", 0), **options))
    try:
        yield thread
    finally:
        thread.stop()
