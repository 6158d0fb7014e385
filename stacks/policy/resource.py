"""What a rule sees: one declared resource, and what the stack's settings allow.

Neither imports Pulumi nor anything else of the program, so that the pack runs in an environment of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

SERVICE = "gcp:cloudrunv2/service:Service"
SUBSCRIPTION = "gcp:pubsub/subscription:Subscription"
TOPIC = "gcp:pubsub/topic:Topic"
ACCOUNT = "gcp:serviceaccount/account:Account"
CUSTOM_ROLE = "gcp:projects/iAMCustomRole:IAMCustomRole"
PROVIDER = "pulumi:providers:gcp"
# What runs a container of ours.
RUNNERS = frozenset({SERVICE, "gcp:cloudrunv2/workerPool:WorkerPool", "gcp:cloudrunv2/job:Job"})


class Unknown(Enum):
    """What stands where a preview does not know a value; it is true, as the value most often will be."""

    VALUE = "not known before it is made"


UNKNOWN = Unknown.VALUE


class Foreseen(str):
    """A value that a preview does not know, spelled as Google will spell it."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True)
class Declared:
    """One resource: its type's token, its name, its inputs under their wire names, the engine's guard."""

    type: str
    name: str
    props: Mapping[str, Any]
    is_protected: bool

    def at(self, path: str) -> Any:
        """Return the value at a dotted path: None where a part of it is absent, UNKNOWN where unknown."""
        value: Any = self.props
        for name in path.split("."):
            if value is UNKNOWN:
                return UNKNOWN
            if not isinstance(value, Mapping):
                return None
            value = value.get(name)
        return value

    def containers(self) -> Iterator[Mapping[str, Any]]:
        """Return the containers of a service, a worker pool or a job, as far as they are known."""
        template = "template.template.containers" if self.type.endswith(":Job") else "template.containers"
        yield from mappings(self.at(template))


def mappings(value: object) -> Iterator[Mapping[str, Any]]:
    """Return the mappings in a list; of what is absent or unknown, none."""
    if isinstance(value, Sequence):
        yield from (one for one in value if isinstance(one, Mapping))


def is_delivery(one: Declared) -> bool:
    """Whether a subscription delivers to code of ours, by push or pull, and not into a table or a file."""
    return one.type == SUBSCRIPTION and not (one.at("bigqueryConfig") or one.at("cloudStorageConfig"))


@dataclass(frozen=True, kw_only=True)
class Charter:
    """What one stack's settings allow; `image_readers` are members as IAM writes them."""

    project: str
    project_number: str
    is_public: bool
    is_protected: bool
    regions: frozenset[str]
    labels: frozenset[str]
    image_readers: frozenset[str]
    public_service: str = "api"
    internal_service: str = "ingest"

    @property
    def pubsub_agent(self) -> str:
        """Pub/Sub's own identity in the project, as IAM writes it."""
        return f"serviceAccount:service-{self.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"


def charter_of(settings: Mapping[str, Any]) -> Charter:
    """Return what a stack's `settings`, as its file spells them, allow; a KeyError names what is missing."""
    return Charter(
        project=settings["project"],
        project_number=settings["project_number"],
        is_public=settings["access"] == "public",
        is_protected=settings["protected"],
        regions=frozenset({settings["region"], settings["dataset_location"], "global"}),
        labels=frozenset(settings["labels"]),
        image_readers=frozenset(settings["image_readers"]),
    )
