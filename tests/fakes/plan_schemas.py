"""Which of Google's schemas describes each kind of resource the stacks declare, and where spellings differ.

A kind in neither table is a fault of the plan's checks, so a new one cannot slip by unjudged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fakes.plan_discovery import Source, Walk, schemas
from fakes.plan_shapes import is_component
from stacks.plan import Recorded

# Arguments of the provider's own on nearly every resource.
_OWN = frozenset({"project", "region", "location", "deletionPolicy", "deletionProtection"})

_COMPARISONS = frozenset({"COMPARISON_GT", "COMPARISON_LT"})
_ALERTS = Source(
    "monitoring.v3",
    "AlertPolicy",
    provider_only=frozenset({"project", "deletionPolicy"}),
    # https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies#metricthreshold
    narrowed={"conditions.conditionThreshold.comparison": _COMPARISONS},
)

SOURCES = {
    "gcp:artifactregistry/repository:Repository": Source(
        "artifactregistry.v1",
        "Repository",
        _OWN | {"repositoryId"},
        # The provider also takes days.
        respelt=frozenset({"cleanupPolicies.condition.olderThan", "cleanupPolicies.condition.newerThan"}),
    ),
    "gcp:bigquery/biReservation:BiReservation": Source("bigqueryreservation.v1", "BiReservation", _OWN),
    "gcp:bigquery/dataset:Dataset": Source(
        "bigquery.v2",
        "Dataset",
        provider_only=frozenset({"project", "deletionPolicy", "deleteContentsOnDestroy"}),
        renamed={"datasetId": "datasetReference.datasetId"},
    ),
    "gcp:bigquery/table:Table": Source(
        "bigquery.v2",
        "Table",
        provider_only=_OWN,
        renamed={
            "datasetId": "tableReference.datasetId",
            "tableId": "tableReference.tableId",
            "clusterings": "clustering.fields",
        },
        encoded={"schema": {"type": "array", "items": {"$ref": "TableFieldSchema"}}},
    ),
    "gcp:billing/budget:Budget": Source(
        "billingbudgets.v1",
        "GoogleCloudBillingBudgetsV1Budget",
        provider_only=frozenset({"billingAccount", "deletionPolicy"}),
        renamed={"allUpdatesRule": "notificationsRule"},
    ),
    "gcp:cloudrunv2/service:Service": Source("run.v2", "GoogleCloudRunV2Service", _OWN),
    "gcp:cloudrunv2/workerPool:WorkerPool": Source("run.v2", "GoogleCloudRunV2WorkerPool", _OWN),
    "gcp:compute/firewall:Firewall": Source(
        "compute.v1",
        "Firewall",
        _OWN,
        renamed={
            "allows": "allowed",
            "allows.protocol": "IPProtocol",
            "denies": "denied",
            "denies.protocol": "IPProtocol",
        },
    ),
    "gcp:compute/network:Network": Source("compute.v1", "Network", _OWN),
    "gcp:compute/subnetwork:Subnetwork": Source("compute.v1", "Subnetwork", _OWN),
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": Source(
        "iam.v1", "WorkloadIdentityPool", _OWN | {"workloadIdentityPoolId"}
    ),
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": Source(
        "iam.v1",
        "WorkloadIdentityPoolProvider",
        _OWN | {"workloadIdentityPoolId", "workloadIdentityPoolProviderId"},
    ),
    "gcp:logging/metric:Metric": Source("logging.v2", "LogMetric", _OWN),
    "gcp:monitoring/alertPolicy:AlertPolicy": _ALERTS,
    "gcp:monitoring/customService:CustomService": Source("monitoring.v3", "Service", _OWN | {"serviceId"}),
    "gcp:monitoring/dashboard:Dashboard": Source(
        "monitoring.v1", "Dashboard", _OWN, encoded={"dashboardJson": {"$ref": "Dashboard"}}
    ),
    "gcp:monitoring/genericService:GenericService": Source("monitoring.v3", "Service", _OWN | {"serviceId"}),
    "gcp:monitoring/notificationChannel:NotificationChannel": Source(
        "monitoring.v3", "NotificationChannel", _OWN | {"forceDelete", "sensitiveLabels"}
    ),
    "gcp:monitoring/slo:Slo": Source(
        "monitoring.v3",
        "ServiceLevelObjective",
        _OWN | {"service", "sloId", "rollingPeriodDays"},
        renamed={
            "basicSli": "serviceLevelIndicator.basicSli",
            "requestBasedSli": "serviceLevelIndicator.requestBased",
            "windowsBasedSli": "serviceLevelIndicator.windowsBased",
        },
    ),
    "gcp:monitoring/uptimeCheckConfig:UptimeCheckConfig": Source("monitoring.v3", "UptimeCheckConfig", _OWN),
    "gcp:networkconnectivity/serviceConnectionPolicy:ServiceConnectionPolicy": Source(
        "networkconnectivity.v1", "ServiceConnectionPolicy", _OWN
    ),
    "gcp:projects/iAMCustomRole:IAMCustomRole": Source(
        "iam.v1", "Role", _OWN | {"roleId"}, renamed={"permissions": "includedPermissions"}
    ),
    "gcp:pubsub/subscription:Subscription": Source("pubsub.v1", "Subscription", _OWN),
    "gcp:pubsub/topic:Topic": Source("pubsub.v1", "Topic", _OWN),
    "gcp:secretmanager/secret:Secret": Source(
        "secretmanager.v1", "Secret", _OWN | {"secretId"}, renamed={"replication.auto": "automatic"}
    ),
    "gcp:serviceaccount/account:Account": Source(
        "iam.v1", "ServiceAccount", _OWN | {"accountId", "createIgnoreAlreadyExists"}
    ),
}

# No enum is in what they take; a grant's role and member are the policy's concern. Memorystore has no
# document in the package: `plan_documented` reads its enums in the SDK.
WITHOUT_SCHEMA = frozenset({
    "docker-build:index:Image",
    "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
    "gcp:bigquery/datasetIamMember:DatasetIamMember",
    "gcp:bigquery/iamMember:IamMember",
    "gcp:cloudrunv2/serviceIamMember:ServiceIamMember",
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember",
    "gcp:memorystore/instance:Instance",
    "gcp:projects/iAMMember:IAMMember",
    "gcp:projects/service:Service",
    "gcp:projects/serviceIdentity:ServiceIdentity",
    "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember",
    "gcp:pubsub/topicIAMMember:TopicIAMMember",
    "gcp:secretmanager/secretIamMember:SecretIamMember",
    "gcp:serviceaccount/iAMMember:IAMMember",
    "gcp:storage/bucketIAMMember:BucketIAMMember",
    "pulumi:providers:gcp",
})  # fmt: skip


def enum_faults(plan: Sequence[Recorded]) -> list[str]:
    """Return one sentence per departure of a plan from Google's descriptions of its APIs."""
    return [f"{one.type} {one.name}: {fault}" for one in plan for fault in _faults(one)]


def enums_met(plan: Sequence[Recorded]) -> set[tuple[str, str]]:
    """Return the (kind, path) of every value that was held against an enum."""
    return {(one.type, path) for one in plan if one.type in SOURCES for path in _walk(one).enums}


def _faults(one: Recorded) -> list[str]:
    if is_component(one) or one.type in WITHOUT_SCHEMA:
        return []
    if one.type not in SOURCES:
        return ["is of a kind nobody has told its schema of"]
    return _walk(one).faults


def _walk(one: Recorded) -> Walk:
    source = SOURCES[one.type]
    walk = Walk(source)
    try:
        walk.value(one.inputs, schemas(source.document)[source.schema], "")
    except json.JSONDecodeError as error:
        walk.faults.append(f"holds text that is no JSON: {error}")
    return walk


# The server sends none of them back: https://cloud.google.com/monitoring/api/ref_v3/rest/v1/projects.dashboards
_DEFAULTS = {"perSeriesAligner": "ALIGN_NONE", "crossSeriesReducer": "REDUCE_NONE", "targetAxis": "Y1"}


def defaults_sent(dashboard: Recorded) -> list[str]:
    """Return the paths of a dashboard's values the server drops; each would show as drift for ever."""
    return list(_defaults(json.loads(dashboard.inputs["dashboardJson"]), ""))


def _defaults(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _defaults(inner, f"{path}[{at}]")
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            is_empty = inner is None or inner is False or inner in (0, "", [])
            if is_empty or _DEFAULTS.get(name) == inner:
                yield f"{path}.{name}"
            else:
                yield from _defaults(inner, f"{path}.{name}")
