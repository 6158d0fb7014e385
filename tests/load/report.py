"""The open model's report: a table to read, JSON to compare, and the plot."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

from load.outcome import FAILURE_LIMIT, P95_LIMIT_MS, StepOutcome, Times, knee
from load.plot import plot

_HEAD = (
    f"{'due/s':>7} {'kind':<8} {'answers':>8} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'longest':>8}"
    f" {'failed':>7}  remarks"
)


def table(outcomes: Sequence[StepOutcome]) -> str:
    """Return one line per rate and kind of request, freshness among them, and where the knee is."""
    lines = [_HEAD]
    for outcome in outcomes:
        lines += _lines(outcome)
    return "\n".join([*lines, "", *verdict(outcomes)])


def verdict(outcomes: Sequence[StepOutcome]) -> list[str]:
    """Return in words which rate is held, and whether the generator was up to it."""
    held = knee(outcomes)
    promise = f"p95 up to {P95_LIMIT_MS:.0f} ms, up to {FAILURE_LIMIT:.0%} failures"
    said = [f"not even {outcomes[0].rate:g}/s is held ({promise})"]
    if held is not None:
        beyond = "" if held < max(one.rate for one in outcomes) else ", the highest asked for"
        said = [f"the knee: {held:g}/s is held{beyond} ({promise})"]
    if any(one.is_the_generators for one in outcomes):
        said.append(
            "where it says so, the generator was late itself: those times are its own, not the platform's"
        )
    return said


def write(outcomes: Sequence[StepOutcome], folder: Path, title: str) -> list[Path]:
    """Write `open-model.txt`, `.json` and `.svg` into the folder and return their paths."""
    held = knee(outcomes)
    document = {"title": title, "held_per_second": held, "steps": [_plain(one) for one in outcomes]}
    contents = {
        "txt": f"{title}\n\n{table(outcomes)}\n",
        "json": json.dumps(document, indent=2) + "\n",
        "svg": plot(outcomes, held, title),
    }
    paths = []
    for ending, content in contents.items():
        path = folder / f"open-model.{ending}"
        path.write_text(content)
        paths.append(path)
    return paths


def _plain(outcome: StepOutcome) -> dict[str, object]:
    return {**dataclasses.asdict(outcome), "held": outcome.is_held, "late_itself": outcome.is_the_generators}


def _lines(outcome: StepOutcome) -> list[str]:
    """Return a line per kind; the first also says what failed."""
    kinds = [*outcome.answers.items(), ("visible", outcome.freshness)]
    first, *others = (_numbers(outcome.rate, kind, times) for kind, times in kinds)
    return [f"{first} {outcome.failed_share:>7.1%}  {', '.join(_remarks(outcome))}".rstrip(), *others]


def _numbers(rate: float, kind: str, times: Times) -> str:
    numbers = " ".join(f"{one:>8.1f}" for one in (times.p50_ms, times.p95_ms, times.p99_ms, times.longest_ms))
    return f"{rate:>7g} {kind:<8} {times.count:>8} {numbers}"


def _remarks(outcome: StepOutcome) -> list[str]:
    remarks = [] if outcome.is_held else ["not held"]
    remarks += ["the generator was late"] if outcome.is_the_generators else []
    return remarks + [f"{count} x {reason}" for reason, count in outcome.failures.items()]
