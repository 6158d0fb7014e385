"""What the replica's tests share: rows and who follows them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fakes.followed import Scene


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    scene = Scene()
    yield scene
    await scene.follower.close()
