"""A part of a benchmark in a process of its own, so that what it costs is told apart."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Child:
    """The process, and the first line it said: where it can be reached."""

    pid: int
    said: str


@contextmanager
def child_of(module: str, *arguments: str) -> Iterator[Child]:
    """Run the benchmarks' module, which ends when its standard input does, and wait for its end."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield Child(process.pid, process.stdout.readline().strip())
        finally:
            process.stdin.close()
