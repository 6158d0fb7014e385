"""The world as canaries meet it: topics by the official client, the API over HTTP, maybe the quarantine.

It imports Pub/Sub's libraries at the top: a command imports this module when it runs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from exposure.commands.api_pages import Parameters, RowsUrl, read_pages
from exposure.commands.batch_publisher import BatchPublisher
from exposure.commands.canary_round import ServedRow
from exposure.commands.quarantine_source import QuarantineSource
from exposure.contracts.canary import CANARY_MARK
from exposure.contracts.model import Contract
from exposure.ingest.replay import Replayed
from exposure.warehouse.quarantine import Selection

_ROWS = msgspec.json.Decoder(dict[str, object])


@dataclass
class LiveSurroundings:
    """One environment: `emulator` is the address of a local Pub/Sub, None is Google's.

    `credential` is asked anew for each question; it raises ApiUnreachable when there is none to be had.
    """

    project: str
    emulator: str | None
    api: str
    credential: Callable[[], str | None]
    quarantine: QuarantineSource | None = None
    _publishers: dict[str, BatchPublisher] = field(default_factory=dict)

    def publish(self, contract: Contract, data: bytes, attributes: Mapping[str, str]) -> None:
        """Publish to the contract's own topic, as any producer does; raises PublishFailed."""
        topic = contract.topic
        if topic not in self._publishers:
            self._publishers[topic] = BatchPublisher(self.project, topic, self.emulator)
        self._publishers[topic].publish([Replayed(data, attributes)])

    def rows(self, contract: Contract, parameters: Parameters) -> Sequence[ServedRow]:
        """Ask as any reader does; raises ApiUnreachable or ApiRefused."""
        asked = RowsUrl(self.api, contract.name, parameters, self.credential())
        return [_ROWS.decode(row) for row in next(read_pages(asked)).data]

    def quarantined(self, contract: Contract, key: str | int, since: datetime) -> bool:
        """Look through what was set aside since; the command ends when the quarantine cannot be read."""
        if self.quarantine is None:
            return False
        with self.quarantine.open() as reader:
            found = reader.select(contract, Selection(since=since))
            return any(json.loads(one.attributes).get(CANARY_MARK) == str(key) for one in found)

    def close(self) -> None:
        """Close the connections."""
        for publisher in self._publishers.values():
            publisher.close()
