"""Everything by which the platform is watched, on one page: channels, metrics, objectives, alerts, money.

What is watched is declared elsewhere; nothing here changes how it runs.
"""

from __future__ import annotations

from collections.abc import Iterable

import pulumi

from exposure.contracts.model import Contract
from stacks.alert_policy import Routing
from stacks.alerts import PlatformAlerts
from stacks.canary_alerts import CanaryAlerts
from stacks.channels import declare_channels
from stacks.config import Settings
from stacks.dashboard import Dashboard, Shown
from stacks.log_metrics import LogMetrics
from stacks.message_alerts import MessageAlerts
from stacks.objectives import Objectives
from stacks.spend import declare_budget
from stacks.uptime import Uptime


class Operations(pulumi.ComponentResource):
    """The watch over one environment; `api_uri` is asked from outside when anyone may ask it."""

    def __init__(
        self, settings: Settings, contracts: Iterable[Contract], api_uri: str, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("exposure:operations:Operations", "operations", None, opts)
        child = pulumi.ResourceOptions(parent=self)
        routing = Routing(declare_channels(settings, child), dict(settings.labels))
        log_metrics = LogMetrics("log-metrics", child)
        counted = pulumi.ResourceOptions(parent=self, depends_on=log_metrics.declared)
        PlatformAlerts("platform-alerts", settings, routing, child)
        shown = []
        for contract in contracts:
            MessageAlerts(contract, settings, routing, child)
            if settings.canary:
                CanaryAlerts(contract, routing, child)
            objectives = Objectives(contract, settings, routing, counted)
            names = {name: slo.name for name, slo in objectives.slos.items()}
            shown.append(Shown(contract=contract, objectives=names))
        if settings.is_public:
            Uptime("api-uptime", api_uri, settings, routing, child)
        Dashboard("dashboard", settings, shown, child)
        if settings.budget is not None:
            declare_budget(settings.budget, settings, routing, child)
        self.register_outputs({})
