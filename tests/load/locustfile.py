"""Locust's users: readers who ask Zipf's questions, and publishers; a closed model, with its HTML report.

`make load` runs it. Alone, with PYTHONPATH=src:tests and the local platform running:
`locust -f tests/load/locustfile.py --host http://127.0.0.1:8080 --pubsub 127.0.0.1:8085 Reader Publisher`
The named classes are the profile. It runs in an environment of its own, because Locust replaces the standard
library's sockets.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import gevent  # type: ignore[import-untyped]
import grpc.experimental.gevent
from google.api_core.exceptions import GoogleAPICallError
from google.pubsub_v1 import PublisherClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.types import PubsubMessage
from locust import FastHttpUser, User, constant_pacing, events, task  # type: ignore[import-not-found]

from exposure.contracts.catalog import CATALOG
from exposure.contracts.sample import SampleOptions, sample_messages
from exposure.loopback import channel_options
from load.questions import Popularity, questions

# Or its calls would stop every user until each is answered.
grpc.experimental.gevent.init_gevent()

CONTRACT = CATALOG.get("analytics_table")
_ENDLESS = 10**9
_SECONDS = 30.0


def _seed() -> int:
    return int.from_bytes(os.urandom(4), "big")


def _asked_keys(path: str | None) -> list[str]:
    """Return the keys of stored rows, one a line; none without a file, and then only pages are asked for."""
    if not path:
        return []
    with open(path) as lines:  # noqa: PTH123 - Locust's own files are opened so
        return [line.strip() for line in lines if line.strip()]


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator]
def _add_options(parser: Any) -> None:
    parser.add_argument("--project", default="local", help="Google Cloud project of the topic")
    parser.add_argument("--pubsub", default="", help="host:port of a local Pub/Sub; without it, Google's")
    parser.add_argument("--keys", default="", help="file with keys of stored rows, one a line")


@events.init.add_listener  # type: ignore[untyped-decorator]
def _set_the_clock(**_: Any) -> None:
    # The loop's clock stands still while the imports above run, and --run-time would end that much too early.
    gevent.get_hub().loop.update_now()


class Reader(FastHttpUser):  # type: ignore[misc]
    """Asks five questions a second, the popular ones most."""

    weight = 4
    wait_time = constant_pacing(0.2)

    def on_start(self) -> None:
        """Rank the questions; all readers rank them alike."""
        keys = _asked_keys(self.environment.parsed_options.keys)
        self._popularity = Popularity(questions(CONTRACT, keys, datetime.now(UTC)), _seed())

    @task  # type: ignore[untyped-decorator]
    def ask(self) -> None:
        """Ask, and count the answer under what kind of question it was."""
        path = self._popularity.draw()
        single = path.rsplit("/", 1)[-1].partition("?")[0] != CONTRACT.name
        self.client.get(path, name="read: one row" if single else "read: a page")


class Publisher(User):  # type: ignore[misc]
    """Publishes five messages a second and waits to hear of each that it was taken."""

    weight = 1
    wait_time = constant_pacing(0.2)

    def on_start(self) -> None:
        """Connect, each publisher by itself."""
        options = self.environment.parsed_options
        self._publisher = _connect(options.pubsub)
        self._topic = f"projects/{options.project}/topics/{CONTRACT.topic}"
        self._messages = _messages()

    @task  # type: ignore[untyped-decorator]
    def publish(self) -> None:
        """Publish one message that nobody published before."""
        data = json.dumps(next(self._messages)).encode()
        begun, failure = time.perf_counter(), None
        try:
            self._publisher.publish(
                topic=self._topic, messages=[PubsubMessage(data=data)], retry=None, timeout=_SECONDS
            )
        except GoogleAPICallError as error:
            failure = error
        self.environment.events.request.fire(
            request_type="GRPC",
            name="publish",
            response_time=(time.perf_counter() - begun) * 1000,
            response_length=len(data),
            exception=failure,
            context={},
        )


def _connect(address: str) -> PublisherClient:
    if not address:
        return PublisherClient()
    channel = grpc.insecure_channel(address, channel_options(address))
    return PublisherClient(transport=PublisherGrpcTransport(channel=channel))


def _messages() -> Iterator[dict[str, object]]:
    return sample_messages(CONTRACT, SampleOptions(_ENDLESS, seed=_seed(), start=datetime.now(UTC)))
