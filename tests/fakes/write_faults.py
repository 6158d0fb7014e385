"""What can go wrong with one append: the script of `fakes.bigquery_write`, one entry per request received."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc


@dataclass(frozen=True)
class Fine:
    """Stores the rows and answers, once the gate is open if there is one, and after a while if one is given.

    `new_schema` announces another schema.
    """

    after_seconds: float = 0.0
    new_schema: bool = False
    gate: asyncio.Event | None = None


@dataclass(frozen=True)
class Refuse:
    """Answers with an error and goes on with the stream; stores nothing."""

    code: grpc.StatusCode
    storage_error: int = 0


@dataclass(frozen=True)
class Break:
    """Ends the stream with a status; `stored` says whether the rows were stored before."""

    code: grpc.StatusCode
    stored: bool = False
    storage_error: int = 0


@dataclass(frozen=True)
class Drop:
    """Drops every TCP connection of the server, which listens again at once."""

    stored: bool = False


@dataclass(frozen=True)
class Silence:
    """Reads on and never answers again on this stream."""

    stored: bool = False


Fault = Fine | Refuse | Break | Drop | Silence


@dataclass(frozen=True)
class Judge:
    """Refuses every request with rows it has a reason against.

    `reason` returns why a row (by column name) is refused, or empty. Of the bad rows of a request the first
    `named` are named, all when None; with 0 the whole request is just called invalid, and with
    `ends_stream` the stream ends with that status.
    """

    reason: Callable[[Mapping[str, Any]], str]
    named: int | None = None
    ends_stream: bool = False
