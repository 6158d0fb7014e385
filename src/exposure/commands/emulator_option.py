"""The option of every command that publishes: which local Pub/Sub, if not Google's."""

from __future__ import annotations

from typing import Annotated

import typer

from exposure.commands.local_addresses import LOCAL_PUBSUB

Emulator = Annotated[
    str | None,
    typer.Option(
        envvar="PUBSUB_EMULATOR_HOST",
        metavar="HOST:PORT",
        help=f"Address of a local Pub/Sub; without --project {LOCAL_PUBSUB}.",
    ),
]
