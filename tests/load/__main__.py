"""`make load`: Locust's users and then the open model, against a platform of its own or a deployed one.

    make load ARGS="--profile readers --rates 20,40,80 --seconds 10"
    make load ARGS="--api https://api-1.europe-west1.run.app --project my-project"

A deployed platform keeps the messages it is sent; what is started here is thrown away. The reports are left
in `.exposure/load/`: `locust.html`, and of the open model a table, JSON and a plot.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from exposure.contracts.catalog import CATALOG
from fakes.local_platform import LocalPlatform
from load.open_model import PROFILES, Plan, measure
from load.outcome import StepOutcome
from load.platform import Addresses, connected
from load.report import table, write

CONTRACT = CATALOG.get("analytics_table")
USERS = {"readers": ("Reader",), "publishers": ("Publisher",), "mixed": ("Reader", "Publisher")}
# What Locust ends with when requests failed: the report says which, and the open model is still to come.
FAILED_REQUESTS = 1


def options(arguments: Sequence[str]) -> argparse.Namespace:
    """Return what was asked for; ends the process with a sentence when it makes no sense."""
    parser = argparse.ArgumentParser(prog="make load", description="Load, by users and by constant rates.")
    parser.add_argument("--api", help="address of a deployed API; without it a platform is started here")
    parser.add_argument("--project", help="Google Cloud project whose topic is published to")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="mixed")
    parser.add_argument("--rates", type=_rates, default="25,50,100,200,400,800", help="requests a second")
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="how long each rate, and four times Locust"
    )
    parser.add_argument("--users", type=int, default=20, help="Locust's users; none: 0")
    parser.add_argument("--rows", type=int, default=2000, help="rows to ask for, published first")
    parser.add_argument("--folder", type=Path, default=Path(".exposure/load"), help="where reports are left")
    parser.add_argument("--locust", default="locust", help="the command of Locust's own environment")
    asked = parser.parse_args(arguments)
    if bool(asked.api) != bool(asked.project):
        parser.error("--api and --project go together: who reads one place and publishes to another?")
    return asked


def _rates(text: str) -> tuple[float, ...]:
    rates = tuple(sorted(float(one) for one in text.split(",")))
    if rates[0] <= 0:
        raise ValueError("a rate is above 0")
    return rates


@contextmanager
def _addresses(asked: argparse.Namespace) -> Iterator[Addresses]:
    """Give the platform that was named, or one started for the run."""
    if asked.api:
        yield Addresses(asked.api, asked.project, pubsub=None)
        return
    with tempfile.TemporaryDirectory() as folder, LocalPlatform(Path(folder) / "data") as started:
        yield Addresses(started.api, "local", started.pubsub)


def _run_locust(asked: argparse.Namespace, addresses: Addresses, keys: Path) -> None:
    """Run the users and leave their report; raises CalledProcessError when Locust itself failed."""
    root = Path(__file__).parent
    command = [
        asked.locust, "-f", root / "locustfile.py", "--headless", "--only-summary", "--host", addresses.api,
        "--users", asked.users, "--spawn-rate", asked.users, "--run-time", f"{asked.seconds * 4:.0f}s",
        "--project", addresses.project, "--pubsub", addresses.pubsub or "", "--keys", keys,
        "--html", asked.folder / "locust.html", *USERS[asked.profile],
    ]  # fmt: skip
    paths = {"PYTHONPATH": os.pathsep.join(str(one) for one in (root.parent, root.parent.parent / "src"))}
    finished = subprocess.run([str(one) for one in command], env={**os.environ, **paths}, check=False)
    if finished.returncode not in (0, FAILED_REQUESTS):
        finished.check_returncode()


async def _fill(addresses: Addresses, rows: int) -> list[str]:
    async with connected(CONTRACT, addresses) as platform:
        return await platform.fill(rows)


async def _run_open_model(asked: argparse.Namespace, addresses: Addresses) -> list[StepOutcome]:
    plan = Plan(asked.rates, asked.seconds, asked.profile, asked.rows)
    async with connected(CONTRACT, addresses) as platform:
        return await measure(CONTRACT, platform, plan)


def main(arguments: Sequence[str]) -> None:
    """Run both and print the open model's table."""
    asked = options(arguments)
    asked.folder.mkdir(parents=True, exist_ok=True)
    with _addresses(asked) as addresses:
        if asked.users:
            keys = asked.folder / "keys.txt"
            keys.write_text("\n".join(asyncio.run(_fill(addresses, asked.rows))))
            _run_locust(asked, addresses, keys)
        outcomes = asyncio.run(_run_open_model(asked, addresses))
    title = f"{asked.profile}, {asked.seconds:g} s each, against {addresses.api}"
    written = write(outcomes, asked.folder, title)
    print(table(outcomes))
    print(f"\nreports: {', '.join(str(path) for path in written)}, {asked.folder / 'locust.html'}")


if __name__ == "__main__":
    main(sys.argv[1:])
