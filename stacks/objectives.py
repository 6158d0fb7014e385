"""Each contract's service-level objectives, and alerts on how fast their budgets burn.

What is promised and how it is counted is in `promises`, how fast is too fast in `burn_rate`; what no
objective sees is in `alerts` and `message_alerts`.
"""

from __future__ import annotations

from datetime import timedelta

import pulumi
from pulumi_gcp import monitoring

from exposure.contracts.model import Contract
from stacks.alert_policy import Alert, Routing, burns, declare_alert
from stacks.burn_rate import BurnWindow, burn_alerts
from stacks.config import Settings
from stacks.metrics import home_of_ingest
from stacks.promises import Promise, in_words, promises_of


class Objectives(pulumi.ComponentResource):
    """One contract's service, objectives and burn-rate alerts. `slos` are by the promise's name.

    An objective is refused while its metric is unknown, which a metric of the log can be for minutes after it
    was declared: `opts.depends_on` are those metrics, and what the very first `up` is refused, the next gets.
    """

    def __init__(
        self, contract: Contract, settings: Settings, routing: Routing, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("exposure:objectives:Objectives", contract.name, None, opts)
        self._contract, self._settings, self._routing = contract, settings, routing
        self._child = pulumi.ResourceOptions(parent=self)
        self._counted = pulumi.ResourceOptions(parent=self, depends_on=opts.depends_on)
        # Ids take no underscores.
        self._id = contract.name.replace("_", "-")
        self._service = monitoring.CustomService(
            f"{contract.name}-service",
            monitoring.CustomServiceArgs(
                service_id=self._id,
                display_name=contract.name,
                user_labels={**settings.labels, "contract": contract.name},
            ),
            self._child,
        )
        promises = promises_of(contract, home_of_ingest(settings))
        self.slos = {promise.name: self._declare(promise) for promise in promises}
        self.register_outputs({name: slo.name for name, slo in self.slos.items()})

    def _declare(self, promise: Promise) -> monitoring.Slo:
        slo = monitoring.Slo(
            f"{self._contract.name}-{promise.name}",
            monitoring.SloArgs(
                service=self._service.service_id,
                slo_id=f"{self._id}-{promise.name}",
                display_name=promise.title,
                goal=promise.goal,
                rolling_period_days=self._settings.slo_period_days,
                request_based_sli=promise.indicator,
                user_labels=dict(self._routing.labels),
            ),
            self._counted,
        )
        for window, factor in burn_alerts(promise.goal, timedelta(days=self._settings.slo_period_days)):
            declare_alert(self._alert(promise, slo, window, factor), self._routing, self._child)
        return slo

    def _alert(self, promise: Promise, slo: monitoring.Slo, window: BurnWindow, factor: float) -> Alert:
        long, short = (in_words(window.long), in_words(window.short))
        return Alert(
            name=f"{self._contract.name}-{promise.name}-burn-{window.name}",
            title=f"{self._contract.name}: the {promise.name} budget burns ({long})",
            severity="CRITICAL" if window.is_urgent else "WARNING",
            conditions=[
                burns(f"over {in_words(span)}", slo.name, int(span.total_seconds()), factor)
                for span in (window.long, window.short)
            ],
            needs_all=True,
            means=(
                f"{promise.means} At this rate {window.budget:.0%} of the budget of "
                f"{self._settings.slo_period_days} days is gone within {long}, and it has not stopped in the "
                f"last {short}."
            ),
            first=promise.first,
            labels={"contract": self._contract.name},
        )
