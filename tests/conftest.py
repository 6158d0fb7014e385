"""What must be so before any test module is imported, and the fixtures of more than one folder."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator

import pytest
import uvloop
from google.rpc import status_pb2  # type: ignore[import-untyped]
from hypothesis import HealthCheck, settings

from fakes.http_server import Run
from fakes.token_signer import CertificateServer
from fakes.turned_clock import TurnedClock

# Pulumi's SDK brings a copy of this protocol under another file name, and one process takes only one of them.
sys.modules["pulumi.runtime.proto.status_pb2"] = status_pb2

# How fast a machine is decides nothing: an example may take its time, and so may the drawing of one.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
async def google() -> AsyncIterator[CertificateServer]:
    async with CertificateServer() as server:
        yield server


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Serve on Python's own loop, as the embedded platform does, and on uvloop, as the image does."""
    runs: Run = request.param
    return runs
