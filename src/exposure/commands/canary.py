"""`exposure canary`: publishes a row to each contract's topic and sees the API serve it, or not.

The same road as everybody's rows, end to end, with nothing bypassed. Readers do not see these rows, see
`exposure.contracts.canary`. With --json each round writes the lines that the metrics of `telemetry.names`
are read from; who is told when a canary fails is decided elsewhere.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from exposure.commands.console import FAILED, say
from exposure.commands.contract_option import find_contract
from exposure.commands.emulator_option import Emulator
from exposure.commands.local_addresses import LOCAL_API, LOCAL_PROJECT, LOCAL_PUBSUB
from exposure.commands.quarantine_source import DATA_DIR, DataDir, Location, Project, QuarantineSource
from exposure.commands.query import Credential
from exposure.contracts.catalog import CATALOG
from exposure.telemetry.lines import Lines
from exposure.telemetry.names import CANARY_EVENT, UNACCOUNTED_EVENT

if TYPE_CHECKING:
    from exposure.commands.canary_ledger import Ledger
    from exposure.commands.canary_round import CanaryRounds, Sighting
    from exposure.commands.canary_surroundings import LiveSurroundings

_DURATION = re.compile(r"([0-9]{1,6})(ms|s|m|h)")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours"}


def _duration(text: str) -> timedelta:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise typer.BadParameter(f"'{text}' is no duration, write it like 60s, 5m or 1h")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


@dataclass(frozen=True)
class _Repeat:
    """When rounds begin, from the beginning of one to that of the next, and how many; None: until stopped."""

    every: timedelta | None
    rounds: int | None


Contracts = Annotated[
    list[str] | None,
    typer.Argument(metavar="[CONTRACT]...", help="Only these contracts; none: all.", show_default=False),
]
Url = Annotated[str, typer.Option(help="Address of the API.")]
IdentityToken = Annotated[
    bool, typer.Option("--identity-token", help="Show the API a Google identity token for its address.")
]
Within = Annotated[
    timedelta | None,
    typer.Option(parser=_duration, metavar="DURATION", help="How long a row may take; none: 60s."),
]
Every = Annotated[
    timedelta | None,
    typer.Option(parser=_duration, metavar="DURATION", help="Begin a round this often; none: one round."),
]
Rounds = Annotated[int | None, typer.Option(min=1, help="Rounds in all; with --every, none: until stopped.")]
InQuarantine = Annotated[
    bool, typer.Option("--quarantine", help="Look for missing rows in the quarantine as well.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON object a line.")]


def canary(
    name: Contracts = None,
    project: Project = None,
    emulator: Emulator = None,
    url: Url = LOCAL_API,
    credential: Credential = None,
    identity_token: IdentityToken = False,
    within: Within = None,
    every: Every = None,
    rounds: Rounds = None,
    quarantine: InQuarantine = False,
    location: Location = None,
    data_dir: DataDir = DATA_DIR,
    as_json: AsJson = False,
) -> None:
    """Publish a row per contract and wait until the API serves it: once, and as it was published.

    Ends with 1 when a row of any round was not served so within its time.
    """
    from exposure.commands.canary_round import CanaryRounds, Pace
    from exposure.commands.canary_surroundings import LiveSurroundings

    contracts = [find_contract(one) for one in name] if name else list(CATALOG)
    source = QuarantineSource(project, location, data_dir) if quarantine else None
    if project is None:
        project, emulator = LOCAL_PROJECT, emulator or LOCAL_PUBSUB
    shown = (lambda: _identity_token(url)) if identity_token else (lambda: credential)
    surroundings = LiveSurroundings(project, emulator, url, shown, source)
    flights = CanaryRounds(contracts, surroundings, Pace() if within is None else Pace(within))
    tell = _write_lines(Lines(sys.stdout)) if as_json else _write_text
    if not _repeat(flights, surroundings, _Repeat(every, rounds), tell):
        raise typer.Exit(FAILED)


def _identity_token(url: str) -> str:
    from google.auth.exceptions import GoogleAuthError

    from exposure.commands.api_pages import ApiUnreachable
    from exposure.identity.google_id_token import google_id_token

    try:
        return google_id_token(url)
    except GoogleAuthError as error:
        raise ApiUnreachable(f"there is no identity token for {url}: {error}") from error


Tell = Callable[[Sequence["Sighting"], "Ledger"], None]


def _repeat(flights: CanaryRounds, surroundings: LiveSurroundings, repeat: _Repeat, tell: Tell) -> bool:
    """Return whether every row of every round was served as it should be, once the rounds have ended."""
    from exposure.commands.canary_round import Result

    is_well, flown, begun = True, 0, time.monotonic()
    last = repeat.rounds if repeat.every is not None else repeat.rounds or 1
    try:
        while last is None or flown < last:
            sightings = flights.fly()
            tell(sightings, flights.ledger)
            is_well = is_well and all(one.result is Result.VISIBLE for one in sightings)
            flown += 1
            begun = _rest(begun, repeat.every, is_over=flown == last)
    except KeyboardInterrupt:
        say("stopped")
    finally:
        surroundings.close()
    return is_well


def _rest(begun: float, every: timedelta | None, *, is_over: bool) -> float:
    """Wait for the next round and return when it begins; one that is due already begins at once."""
    due = max(time.monotonic(), begun + (every.total_seconds() if every else 0))
    if not is_over:
        time.sleep(max(0.0, due - time.monotonic()))
    return due


def _write_lines(lines: Lines) -> Tell:
    def write(sightings: Sequence[Sighting], ledger: Ledger) -> None:
        for one in sightings:
            why = {"detail": one.detail} if one.detail else {}
            lines.write(
                CANARY_EVENT,
                contract=one.contract.name,
                result=one.result.value,
                age_seconds=one.age_seconds,
                key=str(one.key),
                **why,
            )
            messages = ledger.unaccounted(one.contract)
            lines.write(UNACCOUNTED_EVENT, contract=one.contract.name, messages=messages)

    return write


def _write_text(sightings: Sequence[Sighting], ledger: Ledger) -> None:
    for one in sightings:
        why = f": {one.detail}" if one.detail else ""
        typer.echo(
            f"{one.contract.name}: {one.key} {one.result.value} {one.age_seconds:.2f} s after publishing"
            f"{why}; {ledger.unaccounted(one.contract)} unaccounted"
        )
