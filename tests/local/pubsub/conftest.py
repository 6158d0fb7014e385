"""A server with a clock that tests turn, and the official clients on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exposure.local.pubsub.oidc import TokenSigner
from fakes.pubsub_server import Clients, PubSubThread, running
from fakes.push_receiver import PushReceiver
from fakes.turned_clock import TurnedClock


@pytest.fixture(scope="session")
def push_key(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """One key for all servers: making one takes longer than most tests."""
    folder = tmp_path_factory.mktemp("key")
    TokenSigner(folder, TurnedClock())
    return (folder / "push-key.pem").read_bytes()


@pytest.fixture
def pubsub(tmp_path: Path, clock: TurnedClock, push_key: bytes) -> Iterator[PubSubThread]:
    (tmp_path / "push-key.pem").write_bytes(push_key)
    with running(tmp_path, clock=clock) as thread:
        yield thread


@pytest.fixture
def clients(pubsub: PubSubThread, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", pubsub.server.address)
    clients = Clients()
    yield clients
    clients.close()


@pytest.fixture
def receiver() -> Iterator[PushReceiver]:
    with PushReceiver() as receiver:
        yield receiver
