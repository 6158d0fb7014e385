"""What the stacks declare is what the installed SDK takes: no unknown key, none missing, no wrong type."""

from __future__ import annotations

from typing import Any

import pytest

from exposure.contracts.analytics_table import CONTRACT as ANALYTICS
from fakes.plan_documented import documented, documented_faults
from fakes.plan_faults import GONE, planted, recorded
from fakes.plan_shapes import args_of, shape_faults
from stacks.plan import Recorded

SERVICE = "gcp:cloudrunv2/service:Service"
SUBSCRIPTION = "gcp:pubsub/subscription:Subscription"
TABLE = "gcp:bigquery/table:Table"
IMAGE = "docker-build:index:Image"
PUSH = ANALYTICS.subscription
PROVIDER = "pulumi:providers:gcp"
MEMORY = "gcp:memorystore/instance:Instance"
CONTAINER = "template.containers.0"


def test_every_resource_is_what_the_sdk_takes(plan: list[Recorded]) -> None:
    assert shape_faults(plan) == []


def test_every_listed_value_is_one_the_sdks_texts_list(plan: list[Recorded]) -> None:
    assert documented_faults(plan) == []


@pytest.mark.parametrize(
    ("kind", "name", "path", "value", "fault"),
    [
        (SERVICE, "api", f"{CONTAINER}.resources.cpuIdel", True, "resources.cpuIdel is unknown"),
        (SERVICE, "api", f"{CONTAINER}.resources.cpu_idle", True, "resources.cpu_idle is unknown"),
        (SERVICE, "api", "ingres", "INGRESS_TRAFFIC_ALL", "ingres is unknown"),
        (SERVICE, "api", f"{CONTAINER}.image", GONE, "containers[0].image is missing"),
        (SERVICE, "api", f"{CONTAINER}.envs.0.name", GONE, "envs[0].name is missing"),
        (SERVICE, "api", "template", GONE, "template is missing"),
        (SERVICE, "api", f"{CONTAINER}.envs.0.value", 5, "envs[0].value: 5 is no str"),
        (SERVICE, "api", f"{CONTAINER}.startupProbe.periodSeconds", "3", "'3' is no int"),
        (SERVICE, "api", f"{CONTAINER}.startupProbe.periodSeconds", 2.5, "2.5 is no int"),
        (SERVICE, "api", "deletionProtection", "true", "'true' is no bool"),
        (SERVICE, "api", "template.maxInstanceRequestConcurrency", True, "True is no int"),
        (SERVICE, "api", f"{CONTAINER}.ports", [{"containerPort": 8080}], "is no ServiceTemplateContainerP"),
        (SERVICE, "api", "template.containers", {"image": "x"}, "is no list"),
        (SERVICE, "api", f"{CONTAINER}.resources.limits", ["1"], "is no mapping"),
        (SERVICE, "api", f"{CONTAINER}.resources.limits", {"cpu": 1}, "limits.cpu: 1 is no str"),
        (
            SUBSCRIPTION,
            PUSH,
            "pushConfig.pushEndpoint",
            GONE,
            "pushEndpoint is missing",
        ),
        (SUBSCRIPTION, PUSH, "retryPolicy.minimumBackof", "1s", "is unknown"),
        (TABLE, "analytics_table", "timePartitioning.type", GONE, "timePartitioning.type is missing"),
        (TABLE, "analytics_table", "clusterings", "id", "clusterings: 'id' is no list"),
        (PROVIDER, "gcp", "defaultLabel", "{}", "defaultLabel is unknown"),
        (PROVIDER, "gcp", "userProjectOverride", '"maybe"', "userProjectOverride: 'maybe' is no bool"),
    ],
)
def test_a_departure_from_a_signature_is_refused(
    kind: str, name: str, path: str, value: Any, fault: str, dev_plan: list[Recorded]
) -> None:
    faults = shape_faults(planted(dev_plan, kind, name, path, value))
    assert len(faults) == 1
    assert fault in faults[0]


def test_a_kind_the_sdks_do_not_have_is_refused() -> None:
    unknown = recorded("gcp:pubsub/subscripton:Subscripton", "x", {})
    assert shape_faults([unknown]) == [f"{unknown.type} x: is no resource of the installed SDKs"]


def test_an_enum_the_sdk_itself_has_is_held_to_it() -> None:
    image = recorded(IMAGE, "service", {"push": True, "platforms": ["linux/amd65"]})
    assert "platforms[0]: 'linux/amd65' is no Platform" in shape_faults([image])[0]


@pytest.mark.parametrize(
    ("property_", "value"),
    [
        ("mode", "CLUSTERED"),
        ("nodeType", "TINY"),
        ("authorizationMode", "IAM"),
        ("transitEncryptionMode", "TLS"),
    ],
)
def test_a_value_the_sdks_texts_do_not_list_is_refused(property_: str, value: str) -> None:
    instance = recorded(MEMORY, "cache", {property_: value})
    assert [fault for fault in documented_faults([instance]) if f"{property_}: '{value}' is none of" in fault]


def test_the_sdks_texts_list_memorystores_enums() -> None:
    kind = args_of(MEMORY)
    assert kind is not None
    listed = documented(kind)
    assert listed["mode"] == {"CLUSTER", "CLUSTER_DISABLED"}
    assert {"mode", "nodeType", "authorizationMode", "transitEncryptionMode"} <= listed.keys()
