"""The report's plot as an SVG: how long answers take at each rate, so that one sees where the line bends.

Both axes are logarithmic. It draws by hand what a plotting library of 50 MB would.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from load.outcome import P95_LIMIT_MS, StepOutcome

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 760, 420, 70, 30, 110, 50
_COLOURS = {"p50": "#2b8a3e", "p95": "#1864ab", "p99": "#c92a2a"}
_INK, _GREY = "#212529", "#adb5bd"


@dataclass(frozen=True)
class _Axis:
    """A logarithmic axis from `low` to `high`, drawn from one pixel to another."""

    low: float
    high: float
    first_px: float
    last_px: float

    def at(self, value: float) -> float:
        share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return self.first_px + share * (self.last_px - self.first_px)

    def decades(self) -> list[float]:
        first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
        return [10.0**power for power in range(first, last + 1)]


def plot(outcomes: Sequence[StepOutcome], held: float | None, title: str) -> str:
    """Return the SVG of at least one outcome; `held` is the knee."""
    rates = [one.rate for one in outcomes]
    highest = max([P95_LIMIT_MS * 2, *(one.judged.p99_ms for one in outcomes if one.judged)])
    across = _Axis(min(rates) / 1.2, max(rates) * 1.2, _LEFT, _WIDTH - _RIGHT)
    up = _Axis(1.0, highest * 1.3, _HEIGHT - _BOTTOM, _TOP)
    parts = [_text(_LEFT, 18, title, anchor="start"), *_grid(across, up, rates)]
    parts += [
        _line(
            across.first_px, up.at(P95_LIMIT_MS), across.last_px, up.at(P95_LIMIT_MS), _COLOURS["p95"], "4 4"
        ),
        _text(across.last_px + 6, up.at(P95_LIMIT_MS) + 4, f"{P95_LIMIT_MS:.0f} ms", anchor="start"),
    ]
    if held is not None:
        parts += [
            _line(across.at(held), up.first_px, across.at(held), up.last_px, _INK, "2 3"),
            _text(across.at(held), up.last_px - 2, f"held: {held:g}/s"),
        ]
    for number, (name, colour) in enumerate(_COLOURS.items()):
        parts += _curve(outcomes, name, colour, (across, up))
        # The ends of the curves may meet, so each is named apart from it.
        y = up.first_px - 16 * (number + 1)
        parts += [_line(across.last_px + 8, y, across.last_px + 28, y, colour)]
        parts += [_text(across.last_px + 34, y + 4, name, anchor="start")]
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        f'font-size="12" fill="{_INK}">\n<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'
    )


def _grid(across: _Axis, up: _Axis, rates: Sequence[float]) -> list[str]:
    parts = [_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 12, "requests due per second")]
    for rate in rates:
        parts.append(_line(across.at(rate), up.first_px, across.at(rate), up.first_px + 5, _INK))
        parts.append(_text(across.at(rate), up.first_px + 18, f"{rate:g}"))
    for value in up.decades():
        parts.append(_line(across.first_px, up.at(value), across.last_px, up.at(value), _GREY))
        parts.append(_text(across.first_px - 6, up.at(value) + 4, f"{value:g} ms", anchor="end"))
    return parts


def _curve(outcomes: Sequence[StepOutcome], name: str, colour: str, axes: tuple[_Axis, _Axis]) -> list[str]:
    across, up = axes
    points = [
        (across.at(one.rate), up.at(getattr(one.judged, f"{name}_ms")))
        for one in sorted(outcomes, key=lambda one: one.rate)
        if one.judged
    ]
    if not points:
        return []
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points),
    ]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, dashes: str = "") -> str:
    dash = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dash}/>'


def _text(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
