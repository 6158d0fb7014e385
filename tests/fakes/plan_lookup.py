"""Finds what a plan declares; whether it is right is its reader's question."""

from __future__ import annotations

from typing import Any

from stacks.plan import Recorded

SERVICE = "gcp:cloudrunv2/service:Service"
SUBSCRIPTION = "gcp:pubsub/subscription:Subscription"
TABLE = "gcp:bigquery/table:Table"
WORKERS = "gcp:cloudrunv2/workerPool:WorkerPool"


def of_type(plan: list[Recorded], kind: str) -> list[Recorded]:
    """Return the resources of a type."""
    return [one for one in plan if one.type == kind]


def named(plan: list[Recorded], kind: str, name: str) -> Any:
    """Return the inputs of the resource of a type and name; StopIteration when there is none."""
    return next(one for one in of_type(plan, kind) if one.name == name).inputs


def environment_of(plan: list[Recorded], kind: str, name: str) -> dict[str, str]:
    """Return what a service's or pool's container is told, with `secret` for a secret's value."""
    container = named(plan, kind, name)["template"]["containers"][0]
    return {env["name"]: env.get("value", "secret") for env in container["envs"]}
