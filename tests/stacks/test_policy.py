"""No environment declares what the policy forbids, and each rule refuses what it is there for."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from fakes.plan_environments import ENVIRONMENTS, settings_for
from fakes.plan_faults import GONE, planted, recorded
from fakes.plan_policy import broken, charter, previewed
from stacks.plan import Recorded
from stacks.policy.resource import Charter, charter_of
from stacks.policy.rules import EVERY_RULE, RULES, name_of, summary_of

SERVICE = "gcp:cloudrunv2/service:Service"
SUBSCRIPTION = "gcp:pubsub/subscription:Subscription"
TOPIC = "gcp:pubsub/topic:Topic"
STORED = "messageStoragePolicy.allowedPersistenceRegions"
TABLE = "gcp:bigquery/table:Table"
DATASET = "gcp:bigquery/dataset:Dataset"
SECRET = "gcp:secretmanager/secret:Secret"
KEY = "gcp:serviceaccount/key:Key"
PAYLOAD = "gcp:secretmanager/secretVersion:SecretVersion"
WORKERS = "gcp:cloudrunv2/workerPool:WorkerPool"
MEMORY = "gcp:memorystore/instance:Instance"
CONTAINER = "template.containers.0"
PROD = charter(settings_for("prod"))


def first(plan: list[Recorded], kind: str, having: str = "") -> Recorded:
    """Return the first resource of a kind, of those that have an input."""
    return next(one for one in plan if one.type == kind and (not having or having in one.inputs))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_environment_declares_what_the_policy_forbids(
    environment: str, request: pytest.FixtureRequest
) -> None:
    plan: list[Recorded] = request.getfixturevalue(f"{environment}_plan")
    assert broken(plan, charter(settings_for(environment))) == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_a_preview_does_not_know_yet_is_neither_refused_nor_in_the_way(
    environment: str, request: pytest.FixtureRequest
) -> None:
    plan: list[Recorded] = request.getfixturevalue(f"{environment}_plan")
    allowed = charter(settings_for(environment))
    said = [sentence for one in previewed(plan) for rule in RULES for sentence in rule(one, allowed)]
    assert said == []


@pytest.mark.parametrize(
    ("rule", "kind", "path", "value"),
    [
        (
            "images-are-named-by-digest",
            SERVICE,
            f"{CONTAINER}.image",
            "europe-docker.pkg.dev/p/exposure/x:v1",
        ),
        ("images-are-named-by-digest", SERVICE, f"{CONTAINER}.image", "x:v1@sha256:abc"),
        ("what-holds-data-is-protected", TABLE, "deletionProtection", False),
        ("what-holds-data-is-protected", SERVICE, "deletionProtection", GONE),
        ("what-holds-data-is-protected", DATASET, "deleteContentsOnDestroy", True),
        ("subscriptions-outlast-silence", SUBSCRIPTION, "expirationPolicy", GONE),
        ("subscriptions-outlast-silence", SUBSCRIPTION, "expirationPolicy.ttl", "2678400s"),
        ("the-subscriber-is-internal", SERVICE, "ingress", "INGRESS_TRAFFIC_ALL"),
        ("everything-runs-as-its-own-account", SERVICE, "template.serviceAccount", GONE),
        (
            "everything-runs-as-its-own-account",
            SERVICE,
            "template.serviceAccount",
            "1-compute@developer.gserviceaccount.com",
        ),
        ("secrets-are-referred-to", SERVICE, f"{CONTAINER}.envs", [{"name": "X_KEYS", "value": "hush"}]),
        ("regions-are-the-stacks-own", SERVICE, "location", "us-central1"),
        ("regions-are-the-stacks-own", DATASET, "location", "US"),
        ("messages-stay-in-the-stacks-regions", TOPIC, "messageStoragePolicy", GONE),
        ("messages-stay-in-the-stacks-regions", TOPIC, STORED, []),
        ("messages-stay-in-the-stacks-regions", TOPIC, STORED, ["europe-west1", "us-central1"]),
        ("the-provider-labels-everything", "pulumi:providers:gcp", "defaultLabels", GONE),
        ("the-provider-labels-everything", "pulumi:providers:gcp", "defaultLabels", '{"platform": "x"}'),
    ],
)
def test_what_the_policy_forbids_is_refused(
    rule: str, kind: str, path: str, value: Any, prod_plan: list[Recorded]
) -> None:
    name = "ingest" if kind == SERVICE else first(prod_plan, kind).name
    faults = broken(planted(prod_plan, kind, name, path, value), PROD)
    assert [fault for fault in faults if fault.startswith(f"{rule}: {kind} {name} ")]


@pytest.mark.parametrize(
    "path",
    [
        "deadLetterPolicy",
        "deadLetterPolicy.maxDeliveryAttempts",
        "retryPolicy",
        "retryPolicy.maximumBackoff",
        "pushConfig.oidcToken",
        "pushConfig.oidcToken.audience",
    ],
)
def test_a_push_without_waits_dead_letters_or_identity_is_refused(
    path: str, prod_plan: list[Recorded]
) -> None:
    push = first(prod_plan, SUBSCRIPTION, "pushConfig")
    faults = broken(planted(prod_plan, SUBSCRIPTION, push.name, path, GONE), PROD)
    assert [
        one for one in faults if one.startswith(f"deliveries-wait-and-are-buried: {SUBSCRIPTION} {push.name}")
    ]


@pytest.mark.parametrize("path", ["retryPolicy", "retryPolicy.minimumBackoff", "retryPolicy.maximumBackoff"])
def test_an_archive_waits_between_attempts_as_well(path: str, prod_plan: list[Recorded]) -> None:
    archive = first(prod_plan, SUBSCRIPTION, "bigqueryConfig")
    faults = broken(planted(prod_plan, SUBSCRIPTION, archive.name, path, GONE), PROD)
    assert faults
    assert all(
        one.startswith(f"deliveries-wait-and-are-buried: {SUBSCRIPTION} {archive.name}") for one in faults
    )


def test_an_archive_outlasts_silence_as_well(prod_plan: list[Recorded]) -> None:
    archive = first(prod_plan, SUBSCRIPTION, "bigqueryConfig")
    faults = broken(planted(prod_plan, SUBSCRIPTION, archive.name, "expirationPolicy.ttl", "86400s"), PROD)
    assert faults == [f"subscriptions-outlast-silence: {SUBSCRIPTION} {archive.name} expires when it is idle"]


def test_a_pull_needs_its_dead_letters_as_well(prod_plan: list[Recorded]) -> None:
    push = first(prod_plan, SUBSCRIPTION, "pushConfig")
    pulled = planted(prod_plan, SUBSCRIPTION, push.name, "pushConfig", GONE)
    assert broken(pulled, PROD) == []
    assert broken(planted(pulled, SUBSCRIPTION, push.name, "deadLetterPolicy", GONE), PROD)


@pytest.mark.parametrize("kind", [TABLE, DATASET])
def test_what_holds_data_must_be_guarded_by_the_engine_too(kind: str, prod_plan: list[Recorded]) -> None:
    bare = [dataclasses.replace(one, protect=False) if one.type == kind else one for one in prod_plan]
    faults = broken(bare, PROD)
    assert faults
    assert all(one.startswith(f"what-holds-data-is-protected: {kind}") for one in faults)
    assert broken(bare, dataclasses.replace(PROD, is_protected=False)) == []


@pytest.mark.parametrize(
    ("rule", "one"),
    [
        ("nothing-holds-a-key", recorded(KEY, "x", {"serviceAccountId": "a"})),
        ("nothing-holds-a-key", recorded(PAYLOAD, "x", {"secret": "s", "secretData": "hush"})),
        (
            "images-are-named-by-digest",
            recorded(
                WORKERS, "x", {"template": {"serviceAccount": "a", "containers": [{"image": "i:latest"}]}}
            ),
        ),
        ("what-holds-data-is-protected", recorded(SECRET, "x", {"secretId": "s"})),
        ("what-holds-data-is-protected", recorded(MEMORY, "x", {"deletionProtectionEnabled": False})),
    ],
    ids=lambda value: value if isinstance(value, str) else value.type,
)
def test_a_resource_that_should_not_be_is_refused(rule: str, one: Recorded) -> None:
    assert [fault for fault in broken([one], PROD) if fault.startswith(f"{rule}: {one.type} x ")]


def test_a_secret_is_read_at_a_version_that_stays(prod_plan: list[Recorded]) -> None:
    latest = {"name": "X", "valueSource": {"secretKeyRef": {"secret": "s", "version": "latest"}}}
    faults = broken(planted(prod_plan, SERVICE, "api", f"{CONTAINER}.envs", [latest]), PROD)
    assert faults == [f"secrets-are-referred-to: {SERVICE} api reads no particular version of X"]


def test_a_charter_is_what_the_stacks_file_says() -> None:
    assert charter_of(
        {
            "project": "p",
            "project_number": "7",
            "image_readers": ["serviceAccount:x@y.iam.gserviceaccount.com"],
            "access": "iam",
            "protected": True,
            "region": "europe-west4",
            "dataset_location": "EU",
            "labels": {"team": "x"},
        }
    ) == Charter(
        project="p",
        project_number="7",
        image_readers=frozenset({"serviceAccount:x@y.iam.gserviceaccount.com"}),
        is_public=False,
        is_protected=True,
        regions=frozenset({"europe-west4", "EU", "global"}),
        labels=frozenset({"team"}),
    )
    with pytest.raises(KeyError, match="protected"):
        charter_of({**dict.fromkeys(("project", "project_number"), "x"), "access": "public"})


def test_every_rule_has_a_name_of_its_own_and_says_what_it_refuses() -> None:
    assert len({name_of(rule) for rule in EVERY_RULE}) == len(EVERY_RULE)
    for rule in EVERY_RULE:
        assert summary_of(rule).startswith("Refuse "), name_of(rule)
