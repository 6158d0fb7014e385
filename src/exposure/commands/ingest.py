"""`exposure ingest`: the subscriber in front of Google Cloud, pushed to or pulling."""

from __future__ import annotations

import asyncio
import signal
from typing import Annotated

import typer
from pydantic import ValidationError

from exposure.commands.console import MISUSED, fail
from exposure.settings import GRACE_SECONDS


def ingest(
    pull: Annotated[bool, typer.Option("--pull", help="Pull; no address is listened to.")] = False,
    host: Annotated[str, typer.Option(help="Where pushes are taken.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8080,
) -> None:
    """Store what is published in BigQuery; EXPOSURE_… in the environment says where."""
    try:
        if pull:
            asyncio.run(_pull())
        else:
            _serve(host, port)
    except ValidationError as error:
        fail(str(error), MISUSED)


def _serve(host: str, port: int) -> None:
    import uvicorn

    from exposure.entrypoints import ingest as application

    uvicorn.run(
        application(),
        host=host,
        port=port,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


async def _pull() -> None:
    from exposure.entrypoints import pull
    from exposure.ingest.pull.stream import PullRefused

    worker = pull()
    loop = asyncio.get_running_loop()
    for stopping in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(stopping, worker.stop)
    try:
        await worker.run()
    except PullRefused as error:
        fail(f"Pub/Sub refuses: {error}")
