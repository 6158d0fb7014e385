"""HTTP servers on loopback ports, inside the event loop of somebody else."""

from __future__ import annotations

import asyncio
import signal

import httpx2
import pytest
from starlette.types import Receive, Scope, Send

from exposure.local.ports import HttpServer
from exposure.local.pubsub.server import PortInUse


class Answering:
    """Answers 204 once `released`; notes the ends of its life."""

    def __init__(self) -> None:
        self.life: list[str] = []
        self.asked = asyncio.Event()
        self.released = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for event in ("startup", "shutdown"):
                await receive()
                self.life.append(event)
                await send({"type": f"lifespan.{event}.complete"})
            return
        self.asked.set()
        await self.released.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


async def refuse_to_start(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "lifespan"
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "planted"})


async def test_a_port_is_named_when_it_is_taken_and_free_again_after_a_stop() -> None:
    first = HttpServer(0)
    port = int(first.url.rsplit(":", 1)[1])
    with pytest.raises(PortInUse, match=f"port {port} is in use"):
        HttpServer(port)
    await first.stop()
    await HttpServer(port).stop()


async def test_a_request_in_flight_is_answered_before_the_server_stops() -> None:
    app, server = Answering(), HttpServer(0)
    await server.start(app)
    async with httpx2.AsyncClient(trust_env=False) as client:
        asking = asyncio.create_task(client.get(server.url))
        await app.asked.wait()
        stopping = asyncio.create_task(server.stop())
        await asyncio.sleep(0)
        app.released.set()
        assert (await asking).status_code == 204
        await stopping
    assert app.life == ["startup", "shutdown"]


async def test_an_application_that_does_not_start_is_told_with_its_address() -> None:
    server = HttpServer(0)
    with pytest.raises(RuntimeError, match=f"the server at {server.url} ended before it started"):
        await server.start(refuse_to_start)
    await server.stop()


async def test_the_signals_stay_with_who_has_them() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    server = HttpServer(0)
    await server.start(Answering())
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    await server.stop()
