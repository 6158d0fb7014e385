"""`exposure sample`: plausible messages of a contract as NDJSON, for trying things out and for load."""

from __future__ import annotations

import itertools
import secrets
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
import typer

from exposure.commands.contract_option import ContractName, find_contract
from exposure.contracts.sample import SampleOptions, sample_messages

_STEP = timedelta(milliseconds=50)
_LONGEST = timedelta(days=30)
_SEED_BITS = 32
_CHUNK_ROWS = 1000


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"'{text}' is no time, write it like 2026-11-25T12:00:00Z") from error
    if instant.tzinfo is None:
        raise typer.BadParameter(f"'{text}' has no offset, write it like {text}Z")
    return instant.astimezone(UTC)


def sample(
    name: ContractName,
    rows: Annotated[int, typer.Option(min=1, help="How many messages.")] = 10,
    seed: Annotated[
        int | None, typer.Option(help="The same seed gives the same values; none: new ones.")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option(
            parser=_instant, metavar="TIME", help="When the first event happened; none: the last one, now."
        ),
    ] = None,
) -> None:
    """Write plausible messages, one JSON object a line.

    With --seed and --start the output is the same, byte by byte, every time.
    """
    contract = find_contract(name)
    options = sample_options(rows, seed, start, datetime.now(UTC))
    messages = sample_messages(contract, options)
    encoder = msgspec.json.Encoder()
    while chunk := list(itertools.islice(messages, _CHUNK_ROWS)):
        sys.stdout.buffer.write(encoder.encode_lines(chunk))
    sys.stdout.buffer.flush()


def sample_options(rows: int, seed: int | None, start: datetime | None, now: datetime) -> SampleOptions:
    """Return the options; without `start` the events end now, without `seed` they are new ones."""
    step = min(_STEP, _LONGEST / rows)
    return SampleOptions(
        rows=rows,
        seed=secrets.randbits(_SEED_BITS) if seed is None else seed,
        start=now - rows * step if start is None else start,
        step=step,
    )
