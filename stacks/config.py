"""What an environment decides, read once from `Pulumi.<stack>.yaml` and checked before anything is declared.

The only reader of stack configuration. A typo, a missing value or an impossible combination ends the
preview with a sentence; no other module asks which environment it is.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Literal, Self

import pulumi
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from exposure.contracts.access import Grant
from exposure.contracts.catalog import CATALOG
from stacks.kept_answers import KeptAnswersSettings
from stacks.replicas import replica_bytes

_BATCHES_IN_FLIGHT_SECONDS = 8
# It takes 100 calls a second from one account; a margin is left for exports and retries.
_BIGQUERY_PER_SECOND = 80
# https://cloud.google.com/pubsub/docs/handling-failures#set_the_maximum_number_of_delivery_attempts
_LEAST_ATTEMPTS, _MOST_ATTEMPTS = 5, 100
# https://cloud.google.com/run/docs/configuring/vpc-direct-vpc
_SMALLEST_SUBNET = 26
_UNREACHABLE = ip_network("192.168.1.0/24")

SecretVersion = Annotated[str, Field(pattern=r"^[1-9]\d*$")]
ProjectNumber = Annotated[str, Field(pattern=r"^\d{6,}$")]
Label = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,63}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


# What Cloud Run takes with so many CPUs, in MiB: https://cloud.google.com/run/docs/configuring/services/memory-limits
_MEMORY = {"1": (512, 4096), "2": (512, 8192), "4": (2048, 16_384), "8": (4096, 32_768)}


def _check_memory(cpu: str, memory: str) -> None:
    mebibytes = int(memory[:-2]) * (1024 if memory.endswith("Gi") else 1)
    least, most = _MEMORY[cpu]
    if not least <= mebibytes <= most:
        raise ValueError(f"memory {memory} does not go with cpu {cpu}: {least}Mi to {most}Mi do")


class ServiceSettings(_Part):
    """One Cloud Run service. `cpu` and `memory` as Cloud Run writes them; CPU is whole, 1 at least."""

    cpu: Annotated[str, Field(pattern=r"^[1248]$")]
    memory: Annotated[str, Field(pattern=r"^\d+(Mi|Gi)$")]
    concurrency: Annotated[int, Field(ge=1, le=1000)]
    min_instances: Annotated[int, Field(ge=0)]
    max_instances: Annotated[int, Field(ge=1, le=1000)]
    timeout_seconds: Annotated[int, Field(ge=1, le=3600)]

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.min_instances > self.max_instances:
            raise ValueError("min_instances is above max_instances; no service can have both")
        _check_memory(self.cpu, self.memory)
        return self


class IngestServiceSettings(ServiceSettings):
    """The subscriber. `batch_rows` closes one append; `appends_in_flight` is per table."""

    batch_rows: Annotated[int, Field(ge=1)]
    appends_in_flight: Annotated[int, Field(ge=1, le=4)]

    @model_validator(mode="after")
    def _batches_fill(self) -> Self:
        if self.batch_rows > self.concurrency:
            raise ValueError(
                "batch_rows is above concurrency: every row waits in a request of its own, so no batch would "
                "ever fill"
            )
        return self


class WorkerSettings(_Part):
    """Ingest as a pool that pulls. `held_messages` is per subscription and instance."""

    instances: Annotated[int, Field(ge=1, le=100)]
    cpu: Annotated[str, Field(pattern=r"^[1248]$")]
    memory: Annotated[str, Field(pattern=r"^\d+(Mi|Gi)$")]
    held_messages: Annotated[int, Field(ge=1, le=20_000)]
    batch_rows: Annotated[int, Field(ge=1, le=10_000)]
    appends_in_flight: Annotated[int, Field(ge=1, le=4)]

    @model_validator(mode="after")
    def _batches_fill(self) -> Self:
        if self.batch_rows > self.held_messages:
            raise ValueError("batch_rows is above held_messages: no batch would ever fill")
        _check_memory(self.cpu, self.memory)
        return self


class FeedSettings(_Part):
    """The subscription of each contract. Seconds as Pub/Sub bounds them."""

    ack_deadline_seconds: Annotated[int, Field(ge=10, le=600)]
    max_delivery_attempts: Annotated[int, Field(ge=_LEAST_ATTEMPTS, le=_MOST_ATTEMPTS)]
    first_retry_seconds: Annotated[int, Field(ge=0, le=600)]
    last_retry_seconds: Annotated[int, Field(ge=0, le=600)]
    retention_days: Annotated[int, Field(ge=1, le=31)]

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.first_retry_seconds > self.last_retry_seconds:
            raise ValueError("first_retry_seconds is above last_retry_seconds; waits only grow")
        return self


class QuerySettings(_Part):
    """What one question to BigQuery may take and bill; BigQuery bills 10 MiB at least.

    `per_second` is of one instance, `caller_daily_bytes` of one caller; null is any number.
    """

    deadline_seconds: Annotated[int, Field(ge=1, le=60)]
    max_bytes_billed: Annotated[int, Field(ge=10 * 2**20)]
    threads: Annotated[int, Field(ge=1, le=80)]
    per_second: Annotated[int, Field(ge=1, le=100)]
    caller_daily_bytes: Annotated[int, Field(ge=10 * 2**20)] | None


class AlertSettings(_Part):
    """Who is told."""

    emails: tuple[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")], ...] = Field(min_length=1)


class BudgetSettings(_Part):
    """Monthly spend in whole units of a currency."""

    billing_account: Annotated[str, Field(pattern=r"^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$")]
    amount_units: Annotated[int, Field(ge=1)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class CacheSettings(_Part):
    """Memorystore for Valkey: its nodes, and the private range of the network made for it."""

    node_type: Literal["SHARED_CORE_NANO", "STANDARD_SMALL", "HIGHMEM_MEDIUM", "HIGHMEM_XLARGE"]
    replicas: Annotated[int, Field(ge=0, le=5)]
    range: str

    @field_validator("range")
    @classmethod
    def _is_a_private_subnet(cls, value: str) -> str:
        network = ip_network(value)
        if network.version != 4 or not network.is_private or network.prefixlen > _SMALLEST_SUBNET:
            raise ValueError(
                f"range {value} must be private IPv4 of /{_SMALLEST_SUBNET} or larger: instances take "
                "several addresses each while a revision rolls out"
            )
        if network.overlaps(_UNREACHABLE):
            raise ValueError(f"range {value} overlaps {_UNREACHABLE}, which Cloud Run cannot reach")
        return value


class DeliverySettings(_Part):
    """The GitHub repository that may deploy, by the ids GitHub never gives twice, and its environment.

    `state_bucket` and `state_key` are what `bootstrap.sh` made and named.
    """

    repository_id: Annotated[str, Field(pattern=r"^\d+$")]
    owner_id: Annotated[str, Field(pattern=r"^\d+$")]
    environment: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
    branch: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")]
    state_bucket: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$")]
    state_key: Annotated[
        str, Field(pattern=r"^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$")
    ]


class ReleaseSettings(_Part):
    """A release under way: its stage, and the revision of each service that answered before it.

    Of all settings this alone is in no stack's file: the deploy job says it, for as long as one `up`.
    """

    stage: Literal["trial", "back"]
    revisions: dict[str, Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$")]]


class Settings(_Part):
    """Everything an environment decides; see `Pulumi.dev.yaml` for what each value means."""

    project: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$")]
    project_number: ProjectNumber
    region: Annotated[str, Field(pattern=r"^[a-z]+-[a-z]+\d$")]
    dataset_location: Annotated[str, Field(pattern=r"^(EU|US|[a-z]+-[a-z]+\d)$")]
    labels: dict[Label, Label]
    protected: bool
    access: Literal["public", "iam"]
    image_readers: tuple[Annotated[str, Field(pattern=r"^serviceAccount:[^@\s]+@\S+$")], ...]
    image: Annotated[str, Field(pattern=r"^\S+@sha256:[0-9a-f]{64}$")] | None
    new_revision_share: Annotated[int, Field(ge=1, le=99)] | None
    page_token_keys_version: SecretVersion
    reader_keys_version: SecretVersion | None
    api: ServiceSettings
    ingest: IngestServiceSettings
    worker: WorkerSettings | None
    feed: FeedSettings
    query: QuerySettings
    kept_answers: KeptAnswersSettings
    alerts: AlertSettings
    slo_period_days: Annotated[int, Field(ge=7, le=30)]
    canary: bool
    trace_ratio: Annotated[float, Field(gt=0, le=1)] | None
    metrics_interval_seconds: Annotated[int, Field(ge=10, le=3600)] | None
    budget: BudgetSettings | None
    cache: CacheSettings | None
    bi_engine_gib: Annotated[int, Field(ge=1, le=250)] | None
    delivery: DeliverySettings | None
    release: ReleaseSettings | None = None

    @property
    def is_public(self) -> bool:
        """Whether the API answers callers without an identity of Google's."""
        return self.access == "public"

    @model_validator(mode="after")
    def _combinations(self) -> Self:
        if self.feed.ack_deadline_seconds <= self.ingest.timeout_seconds:
            raise ValueError(
                "feed.ack_deadline_seconds must be above ingest.timeout_seconds: a push given up while it is "
                "still being stored comes twice"
            )
        if self.ingest.timeout_seconds <= _BATCHES_IN_FLIGHT_SECONDS:
            raise ValueError(
                f"ingest.timeout_seconds must be above {_BATCHES_IN_FLIGHT_SECONDS}: that long a message may "
                "wait for its append"
            )
        if self.query.deadline_seconds >= self.api.timeout_seconds:
            raise ValueError(
                "query.deadline_seconds must be below api.timeout_seconds, to be answered at all"
            )
        if self.query.per_second * max(1, self.api.min_instances) > _BIGQUERY_PER_SECOND:
            raise ValueError(
                f"query.per_second of all api.min_instances is above {_BIGQUERY_PER_SECOND}: BigQuery would "
                "refuse the instances that are always there"
            )
        replica_bytes(self.api.memory, CATALOG, self.kept_answers.bytes)
        if not _is_near(self.dataset_location, self.region):
            raise ValueError(f"dataset_location {self.dataset_location} is far from region {self.region}")
        for contract in CATALOG:
            level = contract.service_level
            for goal in (level.availability_goal, level.latency_goal, level.freshness_goal):
                if goal > _HIGHEST_GOAL:
                    raise ValueError(f"{contract.name}: Cloud Monitoring takes no goal above {_HIGHEST_GOAL}")
            if self.canary and Grant() not in contract.access.grants:
                raise ValueError(f"{contract.name}: canary is true, and it has no credential to read it with")
        return self


# https://cloud.google.com/monitoring/api/ref_v3/rest/v3/services.serviceLevelObjectives
_HIGHEST_GOAL = 0.9999


_MULTI_REGIONS = {"EU": "europe-", "US": "us-"}


def _is_near(location: str, region: str) -> bool:
    """Tell whether rows need not leave their continent to be stored and read."""
    return region.startswith(_MULTI_REGIONS.get(location, location.partition("-")[0] + "-"))


def load() -> Settings:
    """Return the selected stack's settings; pydantic's ValidationError names every wrong value."""
    config = pulumi.Config()
    settings: dict[str, object] = config.require_object("settings")
    return Settings.model_validate({**settings, "release": config.get_object("release")})
