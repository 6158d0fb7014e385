"""A world for canaries in memory, with a clock of its own: what is published is served, or as a test says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from exposure.commands.canary_round import CanaryRounds, Pace, ServedRow
from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Array, LogicalType, Object

Parameters = Sequence[tuple[str, str]]
Served = list[dict[str, object]]


@dataclass
class Sky:
    """Serves each message `delay_seconds` after it was published, as `serve` makes rows of it.

    `publishing` and `asking` are raised while they are set. A question takes `asking_seconds`.
    """

    serve: Callable[[dict[str, object]], Served] = lambda message: [message]
    delay_seconds: float = 0.0
    asking_seconds: float = 0.0
    publishing: Exception | None = None
    asking: Exception | None = None
    set_aside: set[str] = field(default_factory=set)
    published: list[tuple[Contract, dict[str, object], Mapping[str, str]]] = field(default_factory=list)
    questions: list[dict[str, str]] = field(default_factory=list)
    now: float = 0.0
    _since: dict[str, float] = field(default_factory=dict)

    def publish(self, contract: Contract, data: bytes, attributes: Mapping[str, str]) -> None:
        if self.publishing is not None:
            raise self.publishing
        message = json.loads(data)
        self.published.append((contract, message, attributes))
        self._since[str(message[contract.key])] = self.now

    def rows(self, contract: Contract, parameters: Parameters) -> Sequence[ServedRow]:
        self.now += self.asking_seconds
        self.questions.append(dict(parameters))
        if self.asking is not None:
            raise self.asking
        key = dict(parameters)[f"{contract.key}.eq"]
        if self.now < self._since[key] + self.delay_seconds:
            return []
        [message] = [one for _, one, _ in self.published if str(one.get(contract.key)) == key]
        return self.serve(whole(contract.columns, message))

    def quarantined(self, contract: Contract, key: str | int, since: datetime) -> bool:
        del contract, since
        return str(key) in self.set_aside

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def rounds(self, *contracts: Contract, within: timedelta = timedelta(seconds=60)) -> CanaryRounds:
        """Return rounds in this world."""
        return CanaryRounds(contracts, self, Pace(within, lambda: self.now, self.sleep))


def whole(columns: Sequence[Column], message: Mapping[str, object]) -> dict[str, object]:
    """Return the message with null, or an empty list, for what it leaves out, as rows are served."""
    return {column.name: _whole(column.type, message.get(column.name)) for column in columns}


def _whole(logical_type: LogicalType, value: object) -> object:
    if isinstance(logical_type, Array):
        elements = value if isinstance(value, list) else []
        return [_whole(logical_type.of, one) for one in elements]
    if isinstance(logical_type, Object) and isinstance(value, dict):
        return whole(logical_type.fields, value)
    return value
