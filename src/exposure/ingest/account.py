"""What ingest tells of one contract: a line per append, per failed append and per message set aside.

The metrics read from these lines are in `telemetry.names`. Nothing is counted or decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import cast

from exposure.contracts.model import PUBLISH_TIME, SYSTEM_COLUMNS, Contract
from exposure.ingest.rejection import Reason
from exposure.query.model import Row
from exposure.telemetry.lines import Lines
from exposure.telemetry.names import APPEND_EVENT, APPEND_FAILED_EVENT, QUARANTINE_EVENT
from exposure.warehouse.port import WarehouseMisconfigured, WarehouseUnavailable

_KINDS: Mapping[type[Exception], str] = {
    WarehouseUnavailable: "unavailable",
    WarehouseMisconfigured: "misconfigured",
}


class Account:
    """Writes the lines of one contract; `clock` tells when rows became durable."""

    def __init__(self, contract: Contract, lines: Lines, clock: Callable[[], datetime]) -> None:
        self._contract = contract.name
        self._lines = lines
        self._clock = clock
        self._publish_time = itemgetter(len(contract.columns) + SYSTEM_COLUMNS.index(PUBLISH_TIME))

    def appended(self, rows: Sequence[Row], seconds: float) -> None:
        """Tell of an append that made these rows durable; there is one at least."""
        oldest = cast("datetime", min(map(self._publish_time, rows)))
        age = max(0.0, (self._clock() - oldest).total_seconds())
        self._lines.write(
            APPEND_EVENT,
            contract=self._contract,
            rows=len(rows),
            freshness_seconds=round(age, 3),
            append_seconds=round(seconds, 3),
        )

    def append_failed(self, error: Exception) -> None:
        """Tell of an append that stored nothing, by its kind; an error of ours is `unexpected`."""
        kind = _KINDS.get(type(error), "unexpected")
        self._lines.write(APPEND_FAILED_EVENT, contract=self._contract, kind=kind)

    def quarantined(self, reason: Reason) -> None:
        """Tell of a message that is durable in quarantine."""
        self._lines.write(QUARANTINE_EVENT, contract=self._contract, reason=reason.value)
