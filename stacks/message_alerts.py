"""The alerts on each contract's messages: unprocessed, dead, dead and not yet kept, or quarantined.

What the services answer is in `alerts`, how fresh rows are in `objectives`, what a canary finds in
`canary_alerts`.
"""

from __future__ import annotations

import pulumi

from exposure.contracts.model import Contract
from exposure.telemetry import names
from stacks.alert_policy import Alert, Routing, Sample, above, declare_alert, holds
from stacks.config import Settings
from stacks.metrics import DEAD_LETTERS, OLDEST_UNACKED, home_of_ingest, promql

_UNPROCESSED_SECONDS = 120
_UNKEPT_SECONDS = 600
_QUARANTINED_SHARE = 0.05


class MessageAlerts(pulumi.ComponentResource):
    """The alerts on one contract's messages."""

    def __init__(
        self, contract: Contract, settings: Settings, routing: Routing, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("exposure:message_alerts:MessageAlerts", contract.name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        for alert in (
            _unprocessed(contract),
            _dead_letters(contract),
            _dead_letters_unkept(contract),
            _quarantine(contract, home_of_ingest(settings)),
        ):
            declare_alert(alert, routing, child)
        self.register_outputs({})


def oldest_of(subscription: str) -> Sample:
    """Return the age of the oldest message of a subscription that is not acknowledged."""
    return Sample(
        signal=OLDEST_UNACKED,
        labels={"subscription_id": subscription},
        seconds=60,
        aligner="ALIGN_MAX",
        reducer="REDUCE_MAX",
    )


def _unprocessed(contract: Contract) -> Alert:
    oldest = oldest_of(contract.subscription)
    return Alert(
        name=f"{contract.name}-unprocessed",
        title=f"{contract.name}: messages unprocessed for more than 2 minutes",
        severity="CRITICAL",
        conditions=[above("age of the oldest unacknowledged message", oldest, _UNPROCESSED_SECONDS)],
        means=(
            f"A message on {contract.topic} has waited for more than 2 minutes. Pub/Sub shows the age up to "
            "3 minutes late. Nothing is lost yet: messages are kept for the feed's retention_days."
        ),
        first=(
            "See on the dashboard whether pushes are answered. Answered 503: BigQuery, or the grant to "
            "append. Answered 429: more instances. Not answered: whether ingest starts, and may be called."
        ),
        labels={"contract": contract.name},
    )


def _dead_letters(contract: Contract) -> Alert:
    buried = Sample(
        signal=DEAD_LETTERS,
        labels={"subscription_id": contract.subscription},
        aligner="ALIGN_DELTA",
        reducer="REDUCE_SUM",
    )
    return Alert(
        name=f"{contract.name}-dead-letters",
        title=f"{contract.name}: dead letters arrive",
        severity="ERROR",
        conditions=[above("dead letters in 5 minutes", buried, 0)],
        means=(
            f"Messages of {contract.topic} failed at every attempt and were set aside. Bad data is "
            "quarantined, so these met an error of ours. They are kept, bytes and attributes, in "
            f"{contract.dataset}.{contract.dead_letter_table}."
        ),
        first="Read ingest's log for one of their message ids, mend the cause, then publish them again.",
        labels={"contract": contract.name},
    )


def _dead_letters_unkept(contract: Contract) -> Alert:
    oldest = oldest_of(contract.dead_letter_archive)
    return Alert(
        name=f"{contract.name}-dead-letters-unkept",
        title=f"{contract.name}: dead letters do not reach their table",
        severity="CRITICAL",
        conditions=[above("age of the oldest dead letter that waits", oldest, _UNKEPT_SECONDS)],
        means=(
            f"A dead letter of {contract.topic} has waited for more than 10 minutes to be written to "
            f"{contract.dataset}.{contract.dead_letter_table}. After the feed's retention_days it is lost."
        ),
        first=(
            "See whether the table is there with the archive's columns, and whether Pub/Sub's own account "
            "may still write to it. pulumi up --refresh mends both; Pub/Sub then writes what waits."
        ),
        labels={"contract": contract.name},
    )


def _quarantine(contract: Contract, ingest: str) -> Alert:
    def rate(metric: names.Metric, ending: str = "") -> str:
        return f"sum(rate({promql(metric, ending, ingest, contract=contract.name)}[10m]))"

    quarantined, stored = rate(names.QUARANTINED), rate(names.APPENDED_ROWS, "_sum")
    # Without the zero there would be no share at all while nothing is stored and everything is quarantined.
    query = f"{quarantined} / ({quarantined} + ({stored} or vector(0))) > {_QUARANTINED_SHARE}"
    return Alert(
        name=f"{contract.name}-quarantine",
        title=f"{contract.name}: more than 5 % of messages are quarantined",
        severity="WARNING",
        conditions=[holds("share of quarantined messages", query)],
        means=(
            f"Publishers on {contract.topic} send what the contract {contract.version} cannot take, or a "
            "release of ours reads it wrongly. The messages are kept, each with its reason."
        ),
        first=f"Count {contract.dataset}.{contract.quarantine_table} by reason and ask who published last.",
        labels={"contract": contract.name},
    )
