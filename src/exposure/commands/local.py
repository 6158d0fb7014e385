"""`exposure local`: the whole platform on this machine, in one process, until Ctrl-C."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import os
import shlex
import shutil
import signal
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from exposure.commands.console import FAILED, fail, new_table, say, show_table
from exposure.commands.local_addresses import LOCAL_PUBSUB
from exposure.commands.sample import sample_options
from exposure.contracts.catalog import CATALOG
from exposure.contracts.sample import sample_messages

if TYPE_CHECKING:
    from exposure.local.demonstration import Demonstration
    from exposure.local.platform import Addresses, Platform, PlatformConfig

_SAMPLE_ROWS = 5
_VISIBLE_SECONDS = 60.0


@dataclass(frozen=True)
class _Wishes:
    once: bool
    sample: bool
    as_json: bool


def local(
    data_dir: Annotated[Path, typer.Option(help="Where messages and rows are kept.")] = Path(".exposure"),
    api_port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free port.")] = 8080,
    ingest_port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free port.")] = 8081,
    pubsub_port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free port.")] = 8085,
    once: Annotated[bool, typer.Option("--once", help="Publish samples, show them served, and end.")] = False,
    sample: Annotated[bool, typer.Option(help="Publish samples at the first start.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print where things run as one JSON line.")] = False,
    traces: Annotated[
        str, typer.Option(help="Send traces to this collector, such as http://localhost:4318/v1/traces.")
    ] = "",
    metrics: Annotated[
        str, typer.Option(help="Send metrics to this collector, such as http://localhost:4318/v1/metrics.")
    ] = "",
) -> None:
    """Run Pub/Sub, ingest, warehouse and API on loopback; everything published survives a restart."""
    # Imported here: the platform's libraries take a second that other commands need not wait.
    from exposure.local.platform import PlatformConfig
    from exposure.local.watch import Collectors

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    is_first = not (data_dir / "warehouse.duckdb").exists()
    wishes = _Wishes(once, sample=once or (sample and is_first), as_json=as_json)
    config = PlatformConfig(data_dir, api_port, ingest_port, pubsub_port, Collectors(traces, metrics))
    code = asyncio.run(_run(config, wishes))
    raise typer.Exit(code)


async def _run(config: PlatformConfig, wishes: _Wishes) -> int:
    from exposure.local.demonstration import DemonstrationFailed
    from exposure.local.platform import Platform
    from exposure.local.pubsub.server import PortInUse, PubSubFailed
    from exposure.local.pubsub.storage import DataFolderLocked
    from exposure.warehouse.port import WarehouseError

    stopped = _stop_signal()
    try:
        async with Platform(CATALOG, config) as platform:
            _announce(platform.addresses, config, wishes)
            return await _stay(platform, wishes, stopped)
    except PortInUse as error:
        fail(f"{error}; choose others with --api-port, --ingest-port and --pubsub-port (0: any free one)")
    except (DataFolderLocked, WarehouseError, PubSubFailed, DemonstrationFailed) as error:
        fail(str(error))
    except OSError as error:
        # A path the system refuses, or a broken data file, which has a sentence of its own.
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))


async def _stay(platform: Platform, wishes: _Wishes, stopped: asyncio.Event) -> int:
    """Return the exit code when what was wished for is done, or upon the signal, whatever is under way."""
    work = asyncio.create_task(_work(platform.addresses, wishes))
    interrupted = asyncio.create_task(stopped.wait())
    failed = asyncio.create_task(platform.failed())
    tasks = {work, interrupted, failed}
    done, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()
    if interrupted in done:
        say("stopping; what was published is kept")
    return FAILED if wishes.once and work not in done else 0


async def _work(addresses: Addresses, wishes: _Wishes) -> None:
    if wishes.sample:
        await _show_samples(addresses)
    if not wishes.once:
        await asyncio.Event().wait()


def _stop_signal() -> asyncio.Event:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    return stopped


def _announce(addresses: Addresses, config: PlatformConfig, wishes: _Wishes) -> None:
    if wishes.as_json:
        typer.echo(json.dumps(dataclasses.asdict(addresses)))
        return
    contract = next(iter(CATALOG))
    instant = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    message = json.dumps({contract.key: "mine-1", contract.event_time: instant})
    say(f"api      {addresses.api}      documentation at {addresses.api}/docs")
    say(f"ingest   {addresses.ingest}      one endpoint per contract, Pub/Sub pushes to it")
    say(f"pubsub   {addresses.pubsub}             PUBSUB_EMULATOR_HOST={addresses.pubsub}, project local")
    say(f"data     {config.data_dir}")
    if not wishes.once:
        say("")
        say(f"read     curl '{addresses.api}/v1/{contract.name}?page_size=3'")
        say(f"publish  echo '{message}' | {_program()} publish {contract.name} -{_where(addresses)}")
        say("Ctrl-C stops")
        say("")


def _program() -> str:
    """Return what the reader can type to run another command from here."""
    if shutil.which("exposure"):
        return "exposure"
    path = Path(sys.argv[0])
    if path.name == "__main__.py":
        return f"{shlex.quote(_from_here(Path(sys.executable)))} -m exposure"
    return shlex.quote(_from_here(path))


def _from_here(path: Path) -> str:
    """Return the path as a shell takes it: relative where that is shorter, never a bare name."""
    relative = os.path.relpath(path)
    if relative.startswith(os.pardir):
        return str(path.absolute())
    return relative if os.sep in relative else f"{os.curdir}{os.sep}{relative}"


def _where(addresses: Addresses) -> str:
    """Return the option that leads `publish` here, unless it comes here without one."""
    told = os.environ.get("PUBSUB_EMULATOR_HOST") or LOCAL_PUBSUB
    return "" if told == addresses.pubsub else f" --emulator {addresses.pubsub}"


async def _show_samples(addresses: Addresses) -> None:
    from exposure.local.demonstration import demonstrate

    for contract in CATALOG:
        options = sample_options(_SAMPLE_ROWS, None, None, datetime.now(UTC))
        messages = sample_messages(contract, options)
        _show(await demonstrate(contract, messages, addresses, _VISIBLE_SECONDS))


def _show(shown: Demonstration) -> None:
    contract = shown.contract
    columns = [contract.key, contract.event_time, *_others(shown)]
    table = new_table(*columns)
    for row in shown.rows:
        table.add_row(*(_cell(row[column]) for column in columns))
    show_table(table)
    milliseconds = shown.seconds * 1000
    say(f"{len(shown.rows)} messages of {contract.name}: published to visible in {milliseconds:.0f} ms")


def _others(shown: Demonstration) -> list[str]:
    """Return a few more columns: a table as wide as an order reads badly."""
    contract = shown.contract
    names = [column.name for column in contract.columns]
    return [name for name in names if name not in (contract.key, contract.event_time)][:3]


def _cell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
