"""The alerts on what a contract's canary finds: nothing for too long, failures, or messages unaccounted for.

They stand on lines the canary writes, so they are declared only where one runs: elsewhere the first
would never be quiet. The canary itself is not here.
"""

from __future__ import annotations

import pulumi

from exposure.contracts.model import Contract
from exposure.telemetry import names
from stacks.alert_policy import Alert, Routing, declare_alert, holds
from stacks.metrics import Not, promql

_FAILURES = 3
_UNACCOUNTED_SECONDS = 1800


class CanaryAlerts(pulumi.ComponentResource):
    """The alerts on one contract's canary."""

    def __init__(self, contract: Contract, routing: Routing, opts: pulumi.ResourceOptions) -> None:
        super().__init__("exposure:canary_alerts:CanaryAlerts", contract.name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        for alert in (_missing(contract), _failing(contract), _unaccounted(contract)):
            declare_alert(alert, routing, child)
        self.register_outputs({})


def _missing(contract: Contract) -> Alert:
    reported = f"sum(increase({promql(names.CANARIES, contract=contract.name)}[10m]))"
    # Whether a counter without lines is zero or gone is Google's choice; this sees either.
    query = f"({reported} or vector(0)) == 0"
    return Alert(
        name=f"{contract.name}-canary-missing",
        title=f"{contract.name}: no canary for 10 minutes",
        severity="WARNING",
        conditions=[holds("no canary reported", query)],
        means="Nobody checks any more that a published message can be read; a dead prober is a silent one.",
        first="See whether the worker pool `canary` runs, and what the last lines of its log say.",
        labels={"contract": contract.name},
    )


def _failing(contract: Contract) -> Alert:
    failed = promql(names.CANARIES, contract=contract.name, result=Not(names.VISIBLE))
    # Google interpolates at a window's edges: three may be counted as a little less.
    query = f"sum(increase({failed}[5m])) > {_FAILURES - 0.5}"
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
    query = f"sum(increase({promql(names.UNACCOUNTED, '_sum', contract=contract.name)}[10m])) > 0"
    return Alert(
        name=f"{contract.name}-unaccounted",
        title=f"{contract.name}: published messages are unaccounted for",
        severity="CRITICAL",
        conditions=[holds("published, neither stored nor quarantined", query, seconds=_UNACCOUNTED_SECONDS)],
        means="For half an hour, canaries that the topic has taken are not served: messages may be lost.",
        first=(
            "Do not delete anything. Compare the backlog and the dead letters first; what is in neither can "
            "still be delivered again by seeking the subscription back."
        ),
        labels={"contract": contract.name},
    )
