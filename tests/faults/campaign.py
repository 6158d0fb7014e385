"""Thousands of random schedules, then the real processes ended hundreds of times. `make faults` runs it.

Prints seeds that breach a promise, and what each series came to; ends with 1 when anything was lost, served
twice or never settled.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import multiprocessing
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from faults.processes import Series, end_often
from faults.run import run
from faults.schedule import schedule_of


def main() -> int:
    """Run the campaign and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--first-seed", type=int, default=1_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--terminations", type=int, default=100)
    wishes = parser.parse_args()
    is_sound = _schedules(range(wishes.first_seed, wishes.first_seed + wishes.schedules))
    for name, rounds, kill in (("kill -9", wishes.kills, True), ("SIGTERM", wishes.terminations, False)):
        if rounds:
            folder = Path(tempfile.mkdtemp(prefix="faults-"))
            (folder / "data").mkdir()
            series = end_often(folder, rounds, wishes.first_seed, kill=kill)
            _print(name, series)
            if series.is_sound:
                shutil.rmtree(folder)
            else:
                print(f"  kept for a look: {folder}", flush=True)
            is_sound &= series.is_sound
    return 0 if is_sound else 1


def _schedules(seeds: Sequence[int]) -> bool:
    begun, breached, stored, duplicates = time.monotonic(), 0, 0, 0
    # Fresh processes now and then: the client's library keeps a little of every channel.
    context = multiprocessing.get_context("spawn")
    with context.Pool(os.cpu_count(), initializer=_quieten, maxtasksperchild=500) as pool:
        for seed, breaches, rows, twice in pool.imap_unordered(_one, seeds, chunksize=10):
            stored, duplicates = stored + rows, duplicates + twice
            if breaches:
                breached += 1
                print(f"seed {seed}: {'; '.join(breaches[:5])}", flush=True)
    print(
        f"{len(seeds)} schedules from seed {seeds[0] if seeds else '-'} in {time.monotonic() - begun:.0f} s: "
        f"{breached} breached, {stored} rows and quarantined messages, {duplicates} of them raw duplicates",
        flush=True,
    )
    return not breached


def _quieten() -> None:
    logging.disable(logging.CRITICAL)


def _one(seed: int) -> tuple[int, list[str], int, int]:
    finding = asyncio.run(run(schedule_of(seed)))
    return seed, list(finding.breaches), finding.rows + finding.quarantined, finding.duplicates


def _print(name: str, series: Series) -> None:
    print(
        f"{name} x {series.rounds}: {series.published} published, {len(series.lost)} lost, "
        f"{series.served_twice} served twice, {series.slow_stops} slow stops, {series.bad_exits} bad exits\n"
        f"  recovery, start included: {_spread(series.recoveries)}\n"
        f"  published to visible: {_spread(series.lags)}",
        flush=True,
    )
    if series.lost:
        print(f"  lost: {', '.join(series.lost[:20])}", flush=True)


def _spread(seconds: Sequence[float]) -> str:
    if len(seconds) < 2:
        return "too few to tell"
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    return f"p50 {cuts[49]:.2f} s, p95 {cuts[94]:.2f} s, p99 {cuts[98]:.2f} s, max {max(seconds):.2f} s"


if __name__ == "__main__":
    sys.exit(main())
