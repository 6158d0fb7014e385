"""`exposure publish`: messages from a file or standard input to a contract's topic, with a summary.

Lines that are no JSON object are refused here and counted; everything else is published as it stands.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from exposure.commands.console import FAILED, MISUSED, fail, say
from exposure.commands.contract_option import ContractName, find_contract
from exposure.commands.emulator_option import Emulator
from exposure.commands.local_addresses import LOCAL_PROJECT, LOCAL_PUBSUB
from exposure.commands.message_lines import MessageLine, read_lines

if TYPE_CHECKING:
    from exposure.commands.topic_publisher import TopicPublisher

_SHOWN_REJECTIONS = 20
_PROGRESS_LINES = 500
_STANDARD_INPUT = "-"


@dataclass
class _Outcome:
    """What became of the lines."""

    topic: str
    lines: int = 0
    published: int = 0
    failed: int = 0
    rejected: int = 0
    rejections: list[MessageLine] = field(default_factory=list)
    failure: str | None = None
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Return messages a second."""
        return self.published / self.seconds if self.seconds else 0.0

    def reject(self, line: MessageLine) -> None:
        self.rejected += 1
        if len(self.rejections) < _SHOWN_REJECTIONS:
            self.rejections.append(line)


def publish(
    name: ContractName,
    file: Annotated[
        str,
        typer.Argument(metavar="[FILE.ndjson|-]", help="NDJSON; - is standard input.", show_default=False),
    ] = _STANDARD_INPUT,
    project: Annotated[
        str | None,
        typer.Option(help="Google Cloud project; without it the local platform is published to."),
    ] = None,
    emulator: Emulator = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the summary as JSON.")] = False,
) -> None:
    """Publish messages, one JSON object a line, and say what became of them.

    Ends with 1 when a line was refused or a message could not be published.
    """
    contract = find_contract(name)
    if project is None:
        project, emulator = LOCAL_PROJECT, emulator or LOCAL_PUBSUB
    with _opened(file) as stream:
        publisher = _connect(project, contract.topic, emulator)
        outcome = _publish_lines(stream, publisher)
    _write_json(outcome) if as_json else _write_text(outcome)
    if outcome.rejected or outcome.failure:
        raise typer.Exit(FAILED)


def _connect(project: str, topic: str, emulator: str | None) -> TopicPublisher:
    from exposure.commands.pubsub_connection import PublishFailed
    from exposure.commands.topic_publisher import TopicPublisher

    try:
        return TopicPublisher(project, topic, emulator)
    except PublishFailed as error:
        fail(str(error))


def _publish_lines(stream: BinaryIO, publisher: TopicPublisher) -> _Outcome:
    from exposure.commands.pubsub_connection import PublishFailed

    outcome = _Outcome(publisher.path)
    begun = time.perf_counter()
    try:
        with _progress(stream) as advance:
            for line in read_lines(stream):
                outcome.lines = line.number
                if line.fault is None:
                    publisher.publish(line.data)
                else:
                    outcome.reject(line)
                advance(line)
    except KeyboardInterrupt:
        outcome.failure = f"interrupted; nothing behind line {outcome.lines} was published"
    except PublishFailed as error:
        outcome.failure = f"{error}; nothing behind line {outcome.lines} was published"
    try:
        publisher.close()
    except PublishFailed as error:
        outcome.failure = outcome.failure or str(error)
    outcome.seconds = time.perf_counter() - begun
    outcome.published, outcome.failed = publisher.published, publisher.failed
    return outcome


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    if file == _STANDARD_INPUT:
        if sys.stdin.isatty():
            say("reading messages from the keyboard, one JSON object a line; Ctrl-D ends them")
        yield sys.stdin.buffer
        return
    try:
        stream = open(file, "rb")  # noqa: PTH123, SIM115 (closed below; a path object adds nothing)
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror}", MISUSED)
    with stream:
        yield stream


@contextmanager
def _progress(stream: BinaryIO) -> Iterator[Callable[[MessageLine], None]]:
    """Give a function to call per line, which moves a bar on standard error when that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("publishing", total=_size(stream))
        waiting = 0

        def advance(line: MessageLine) -> None:
            # The bar costs more than a message: it moves once in many lines.
            nonlocal waiting
            waiting += line.read_bytes
            if line.number % _PROGRESS_LINES == 0:
                progress.update(task, advance=waiting, description=f"{line.number} lines")
                waiting = 0

        yield advance


def _size(stream: BinaryIO) -> int | None:
    """Return the bytes of a file, None for a pipe or a terminal."""
    return os.fstat(stream.fileno()).st_size or None


def _write_json(outcome: _Outcome) -> None:
    summary: dict[str, Any] = {
        "topic": outcome.topic,
        "lines": outcome.lines,
        "published": outcome.published,
        "rejected": outcome.rejected,
        "rejected_lines": [{"line": one.number, "reason": one.fault} for one in outcome.rejections],
        "failed": outcome.failed,
        "failure": outcome.failure,
        "seconds": round(outcome.seconds, 3),
        "messages_per_second": round(outcome.rate, 1),
    }
    typer.echo(json.dumps(summary, ensure_ascii=False))


def _write_text(outcome: _Outcome) -> None:
    for line in outcome.rejections:
        say(f"line {line.number}: {line.fault}")
    if outcome.rejected > len(outcome.rejections):
        say(f"… and {outcome.rejected - len(outcome.rejections)} more lines")
    if outcome.failure:
        say(f"exposure: {outcome.failure}")
    typer.echo(
        f"{outcome.published} published to {outcome.topic}, {outcome.rejected} rejected, "
        f"{outcome.failed} failed, in {outcome.seconds:.2f} s ({outcome.rate:,.0f} messages/s)"
    )
