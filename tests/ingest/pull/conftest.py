"""The local Pub/Sub with one contract's topic and subscription."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exposure.local.pubsub.server import PubSubConfig, PubSubServer
from fakes.pulled_road import Scene
from fakes.recording_writer import RecordingWriter


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with PubSubServer(PubSubConfig(tmp_path, 0)) as pubsub:
        scene = Scene(pubsub, RecordingWriter())
        await scene.declare()
        yield scene
