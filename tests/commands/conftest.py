from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from exposure.local.platform import Addresses
from fakes.running_platform import running_platform


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A terminal's stand-in: plain text, wide, and nothing of the surrounding environment."""
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    return CliRunner(env={"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "200"})


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    folder: Path = tmp_path_factory.mktemp("platform")
    with running_platform(folder) as addresses:
        yield addresses


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port nothing listens on, held so that nobody else takes it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
