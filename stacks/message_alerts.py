"""The alerts on each contract's messages: unprocessed, dead, quarantined, unaccounted for, or unproven.

What the services answer is in `alerts`, how fresh rows are in `objectives`.
"""

from __future__ import annotations

import pulumi

from exposure.contracts.model import Contract
from exposure.telemetry import names
from stacks.alert_policy import Alert, Routing, Sample, above, declare_alert, holds
from stacks.metrics import DEAD_LETTERS, OLDEST_UNACKED, Not, promql

_UNPROCESSED_SECONDS = 120
_QUARANTINED_SHARE = 0.05
_CANARY_FAILURES = 3


class MessageAlerts(pulumi.ComponentResource):
    """The alerts on one contract's messages."""

    def __init__(self, contract: Contract, routing: Routing, opts: pulumi.ResourceOptions) -> None:
        super().__init__("exposure:message_alerts:MessageAlerts", contract.name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        for alert in (
            _unprocessed(contract),
            _dead_letters(contract),
            _quarantine(contract),
            _canary_missing(contract),
            _canary_failing(contract),
            _unaccounted(contract),
        ):
            declare_alert(alert, routing, child)
        self.register_outputs({})


def _unprocessed(contract: Contract) -> Alert:
    oldest = Sample(
        signal=OLDEST_UNACKED,
        labels={"subscription_id": contract.subscription},
        seconds=60,
        aligner="ALIGN_MAX",
        reducer="REDUCE_MAX",
    )
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
            f"{contract.dataset}.{contract.name}_dead_letters."
        ),
        first="Read ingest's log for one of their message ids, mend the cause, then publish them again.",
        labels={"contract": contract.name},
    )


def _quarantine(contract: Contract) -> Alert:
    def rate(**labels: str) -> str:
        return f"sum(rate({promql(names.MESSAGES, contract=contract.name, **labels)}[10m]))"

    query = f"{rate(outcome=names.QUARANTINED)} / {rate()} > {_QUARANTINED_SHARE}"
    return Alert(
        name=f"{contract.name}-quarantine",
        title=f"{contract.name}: more than 5 % of messages are quarantined",
        severity="WARNING",
        conditions=[holds("share of quarantined messages", query)],
        means=(
            f"Publishers on {contract.topic} send what the contract {contract.version} cannot take, or a "
            "release of ours reads it wrongly. The messages are kept, each with its reason."
        ),
        first=f"Count {contract.dataset}.{contract.name}_quarantine by reason and ask who published last.",
        labels={"contract": contract.name},
    )


def _canary_missing(contract: Contract) -> Alert:
    seen = promql(names.CANARIES, contract=contract.name)
    return Alert(
        name=f"{contract.name}-canary-missing",
        title=f"{contract.name}: no canary for 10 minutes",
        severity="WARNING",
        conditions=[holds("no canary reported", f"absent_over_time({seen}[10m])")],
        means="Nobody checks any more that a published message can be read; a dead prober is a silent one.",
        first="Look at the last executions of the canary job and its log.",
        labels={"contract": contract.name},
    )


def _canary_failing(contract: Contract) -> Alert:
    failed = promql(names.CANARIES, contract=contract.name, result=Not(names.VISIBLE))
    query = f"sum(increase({failed}[5m])) >= {_CANARY_FAILURES}"
    return Alert(
        name=f"{contract.name}-canary-failing",
        title=f"{contract.name}: published canaries cannot be read",
        severity="CRITICAL",
        conditions=[holds("canaries of 5 minutes that were not visible", query)],
        means="At least three canaries of the last five minutes were late, missing, changed or there twice.",
        first="Follow one canary's id: ingest's log, then the table, then the API's answer.",
        labels={"contract": contract.name},
    )


def _unaccounted(contract: Contract) -> Alert:
    query = f"max({promql(names.UNACCOUNTED, contract=contract.name)}) > 0"
    return Alert(
        name=f"{contract.name}-unaccounted",
        title=f"{contract.name}: published messages are unaccounted for",
        severity="CRITICAL",
        conditions=[holds("published, neither stored nor quarantined", query, seconds=1800)],
        means="For half an hour, more was published than is stored or quarantined: some may be lost.",
        first=(
            "Do not delete anything. Compare the backlog and the dead letters first; what is in neither can "
            "still be delivered again by seeking the subscription back."
        ),
        labels={"contract": contract.name},
    )
