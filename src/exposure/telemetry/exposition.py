"""The text that `GET /metrics` answers with, and the layer that answers it.

Format 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/.
What is counted is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exposure.telemetry.counts import Counts, Labels, Tally
from exposure.telemetry.names import Kind, Metric

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/metrics"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True)
class Level:
    """A value as it is now, by the values of its labels: what no log carries, but a process can say."""

    name: str
    labels: tuple[str, ...]
    description: str
    values: Mapping[Labels, float]


def exposition(counts: Counts, levels: Iterable[Level] = ()) -> str:
    """Return the text; a metric without a value yet has its head only."""
    lines: list[str] = []
    for metric, series in counts.series().items():
        lines += _head(metric.name, metric.description, metric.kind)
        for labels, tally in series.items():
            lines += _written(metric, list(zip(metric.labels, labels, strict=True)), tally)
    for level in levels:
        lines += _head(level.name, level.description, "gauge")
        for labels, value in level.values.items():
            lines.append(_sample(level.name, list(zip(level.labels, labels, strict=True)), value))
    return "\n".join(lines) + "\n"


class MetricsPage:
    """An ASGI layer that answers `GET /metrics` and passes everything else on; it asks for no credential."""

    def __init__(self, app: ASGIApp, text: Callable[[], str]) -> None:
        self._app = app
        self._text = text

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or pass it on."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] not in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        body = self._text().encode()
        headers = [
            (b"content-type", CONTENT_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _head(name: str, description: str, kind: str) -> tuple[str, str]:
    escaped = description.replace("\\", "\\\\").replace("\n", "\\n")
    return (f"# HELP {name} {escaped}", f"# TYPE {name} {kind}")


def _written(metric: Metric, labels: list[tuple[str, str]], tally: Tally) -> Iterator[str]:
    if metric.kind is Kind.COUNTER:
        yield _sample(metric.name, labels, tally.count)
        return
    edges = [*(f"{edge:g}" if edge < 1e6 else str(edge) for edge in metric.edges), "+Inf"]
    for edge, count in zip(edges, tally.up_to_each_edge(), strict=True):
        yield _sample(f"{metric.name}_bucket", [*labels, ("le", edge)], count)
    yield _sample(f"{metric.name}_sum", labels, tally.total)
    yield _sample(f"{metric.name}_count", labels, tally.count)


def _sample(name: str, labels: Sequence[tuple[str, str]], value: float) -> str:
    written = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels)
    return f"{name}{{{written}}} {value}" if written else f"{name} {value}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
