"""The watch over the platform, recorded by itself: what `Operations` declares for given settings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from exposure.contracts.catalog import CATALOG
from exposure.contracts.model import Contract
from stacks.config import Settings
from stacks.operations import Operations
from stacks.plan import Recorded, record, settings_of
from stacks.project import make_provider

ALERT = "gcp:monitoring/alertPolicy:AlertPolicy"
OBJECTIVE = "gcp:monitoring/slo:Slo"
LOG_METRIC = "gcp:logging/metric:Metric"
API_URI = "https://api-1.europe-west1.run.app"


def changed(stack: str, **values: Any) -> Settings:
    """Return a stack's settings with other values."""
    return Settings.model_validate({**settings_of(stack).model_dump(mode="json"), **values})


def watch(settings: Settings, contracts: Iterable[Contract] = CATALOG) -> list[Recorded]:
    """Return what is declared to watch these contracts."""

    def declare() -> None:
        opts = pulumi.ResourceOptions(provider=make_provider(settings))
        Operations(settings, contracts, API_URI, opts)

    return record("dev", declare)


def of_type(plan: list[Recorded], kind: str) -> dict[str, Recorded]:
    """Return a plan's resources of a type by name."""
    return {one.name: one for one in plan if one.type == kind}


def conditions(plan: list[Recorded], alert: str) -> list[Mapping[str, Any]]:
    """Return what an alert compares."""
    found: list[Mapping[str, Any]] = []
    for condition in of_type(plan, ALERT)[alert].inputs["conditions"]:
        (kind,) = condition.keys() - {"displayName"}
        found.append(condition[kind])
    return found


def dashboard_of(plan: list[Recorded]) -> Mapping[str, Any]:
    """Return the plan's only dashboard."""
    (one,) = of_type(plan, "gcp:monitoring/dashboard:Dashboard").values()
    document: Mapping[str, Any] = json.loads(one.inputs["dashboardJson"])
    return document
