"""What a rule sees: one declared resource, and what the stack's settings allow.

Neither imports Pulumi nor anything else of the program, so that the pack runs in an environment of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SERVICE = "gcp:cloudrunv2/service:Service"
SUBSCRIPTION = "gcp:pubsub/subscription:Subscription"
PROVIDER = "pulumi:providers:gcp"
# What runs a container of ours.
RUNNERS = frozenset({SERVICE, "gcp:cloudrunv2/workerPool:WorkerPool", "gcp:cloudrunv2/job:Job"})


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One resource: its type's token, its name, its inputs under their wire names, the engine's guard."""

    type: str
    name: str
    props: Mapping[str, Any]
    is_protected: bool

    def at(self, path: str) -> Any:
        """Return the value at a dotted path of mappings, None where any part of it is absent."""
        value: Any = self.props
        for name in path.split("."):
            if not isinstance(value, Mapping):
                return None
            value = value.get(name)
        return value

    def containers(self) -> Iterator[Mapping[str, Any]]:
        """Return the containers of a service, a worker pool or a job."""
        template = "template.template.containers" if self.type.endswith(":Job") else "template.containers"
        yield from self.at(template) or ()


def is_delivery(one: Declared) -> bool:
    """Whether a subscription delivers to code of ours, by push or pull, and not into a table or a file."""
    return one.type == SUBSCRIPTION and not (one.at("bigqueryConfig") or one.at("cloudStorageConfig"))


@dataclass(frozen=True, kw_only=True)
class Charter:
    """What one stack's settings allow.

    `deployers` are the ids of the accounts CI runs as, the only ones with roles over the whole project.
    """

    is_public: bool
    is_protected: bool
    regions: frozenset[str]
    labels: frozenset[str]
    public_service: str = "api"
    internal_service: str = "ingest"
    deployers: frozenset[str] = frozenset({"exposure-deploy", "exposure-preview"})


def charter_of(settings: Mapping[str, Any]) -> Charter:
    """Return what a stack's `settings`, as its file spells them, allow; a KeyError names what is missing."""
    return Charter(
        is_public=settings["access"] == "public",
        is_protected=settings["protected"],
        regions=frozenset({settings["region"], settings["dataset_location"], "global"}),
        labels=frozenset(settings["labels"]),
    )
