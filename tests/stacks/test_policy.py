"""No environment declares what the policy forbids, and each rule refuses what it is there for."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from fakes.plan_faults import GONE, planted, recorded
from fakes.plan_policy import broken, charter
from stacks.plan import Recorded, settings_of
from stacks.policy.resource import Charter, charter_of
from stacks.policy.rules import EVERY_RULE, name_of, summary_of

SERVICE = "gcp:cloudrunv2/service:Service"
INVOKER = "gcp:cloudrunv2/serviceIamMember:ServiceIamMember"
SUBSCRIPTION = "gcp:pubsub/subscription:Subscription"
TABLE = "gcp:bigquery/table:Table"
DATASET = "gcp:bigquery/dataset:Dataset"
SECRET = "gcp:secretmanager/secret:Secret"
ON_PROJECT = "gcp:projects/iAMMember:IAMMember"
ON_TABLE = "gcp:bigquery/iamMember:IamMember"
ON_TOPIC = "gcp:pubsub/topicIAMMember:TopicIAMMember"
ON_SUBSCRIPTION = "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember"
ON_ACCOUNT = "gcp:serviceaccount/iAMMember:IAMMember"
ACCOUNT = "gcp:serviceaccount/account:Account"
KEY = "gcp:serviceaccount/key:Key"
PAYLOAD = "gcp:secretmanager/secretVersion:SecretVersion"
BINDING = "gcp:projects/iAMBinding:IAMBinding"
POLICY = "gcp:pubsub/topicIAMPolicy:TopicIAMPolicy"
WORKERS = "gcp:cloudrunv2/workerPool:WorkerPool"
MEMORY = "gcp:memorystore/instance:Instance"
CONTAINER = "template.containers.0"
API = "serviceAccount:exposure-api@project.iam.gserviceaccount.com"
DEPLOYER = "serviceAccount:exposure-deploy@project.iam.gserviceaccount.com"
PROD = charter(settings_of("prod"))
PRIVATE = dataclasses.replace(PROD, is_public=False)


def first(plan: list[Recorded], kind: str, having: str = "") -> Recorded:
    """Return the first resource of a kind, of those that have an input."""
    return next(one for one in plan if one.type == kind and (not having or having in one.inputs))


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_no_environment_declares_what_the_policy_forbids(stack: str, request: pytest.FixtureRequest) -> None:
    assert broken(request.getfixturevalue(f"{stack}_plan"), charter(settings_of(stack))) == []


def test_an_environment_that_asks_for_every_part_declares_nothing_forbidden(
    full_plan: list[Recorded],
) -> None:
    assert broken(full_plan, PRIVATE) == []


@pytest.mark.parametrize(
    ("rule", "kind", "path", "value"),
    [
        ("nobody-unknown-is-granted-anything", INVOKER, "member", "allUsers"),
        ("nobody-unknown-is-granted-anything", ON_TABLE, "member", "allAuthenticatedUsers"),
        (
            "nobody-unknown-is-granted-anything",
            DATASET,
            "accesses",
            [{"specialGroup": "allAuthenticatedUsers"}],
        ),
        ("no-role-is-broad", ON_PROJECT, "role", "roles/editor"),
        ("no-role-is-broad", ON_TABLE, "role", "roles/owner"),
        ("no-role-is-broad", ON_PROJECT, "role", "roles/bigquery.admin"),
        ("no-role-is-broad", ON_PROJECT, "role", "roles/resourcemanager.projectIamAdmin"),
        ("no-role-is-broad", ON_PROJECT, "role", "roles/iam.serviceAccountTokenCreator"),
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


def test_a_pull_needs_its_dead_letters_as_well(prod_plan: list[Recorded]) -> None:
    push = first(prod_plan, SUBSCRIPTION, "pushConfig")
    pulled = planted(prod_plan, SUBSCRIPTION, push.name, "pushConfig", GONE)
    assert broken(pulled, PROD) == []
    assert broken(planted(pulled, SUBSCRIPTION, push.name, "deadLetterPolicy", GONE), PROD)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (ON_SUBSCRIPTION, "the agent is no subscriber of it"),
        (ON_TOPIC, "the agent may not publish to"),
        (ON_ACCOUNT, "the agent may not make one of"),
        (INVOKER, "may call no service"),
    ],
)
@pytest.mark.parametrize("loss", ["gone", "to somebody else"])
def test_a_lost_grant_is_refused(kind: str, said: str, loss: str, prod_plan: list[Recorded]) -> None:
    lost = next(one for one in prod_plan if one.type == kind)
    rest = [one for one in prod_plan if one is not lost]
    if loss != "gone":
        rest = planted(prod_plan, kind, lost.name, "member", API)
    faults = broken(rest, PROD)
    assert faults
    assert all(one.startswith("deliveries-have-their-grants") and said in one for one in faults)


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
            "grants-add-and-never-replace",
            recorded(BINDING, "x", {"role": "roles/run.invoker", "members": []}),
        ),
        ("grants-add-and-never-replace", recorded(POLICY, "x", {"policyData": "{}"})),
        (
            "nobody-unknown-is-granted-anything",
            recorded(BINDING, "x", {"role": "r", "members": ["allUsers"]}),
        ),
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


def test_only_the_api_of_a_public_stack_skips_the_invoker_check(prod_plan: list[Recorded]) -> None:
    assert broken(prod_plan, PROD) == []
    assert "although the stack's access is iam" in broken(prod_plan, PRIVATE)[0]
    ingest = broken(planted(prod_plan, SERVICE, "ingest", "invokerIamDisabled", True), PROD)
    assert ["ingest answers callers nobody has granted anything" in fault for fault in ingest] == [True]


def test_anybody_may_be_granted_the_calling_of_a_public_api_and_nothing_else() -> None:
    grant = {"name": "api", "role": "roles/run.invoker", "member": "allUsers"}
    assert broken([recorded(INVOKER, "x", grant)], PROD) == []
    assert broken([recorded(INVOKER, "x", grant)], PRIVATE)
    assert broken([recorded(INVOKER, "x", {**grant, "name": "ingest"})], PROD)
    assert broken([recorded(INVOKER, "x", {**grant, "role": "roles/run.developer"})], PROD)


@pytest.mark.parametrize(
    "member",
    [
        "user:somebody@example.com",
        "group:all@example.com",
        "domain:example.com",
        "serviceAccount:other@project.iam.gserviceaccount.com",
        "serviceAccount:1-compute@developer.gserviceaccount.com",
        "serviceAccount:service-1@gcp-sa-pubsub.example.com",
    ],
)
def test_a_grant_to_whom_the_stack_does_not_declare_is_refused(
    member: str, prod_plan: list[Recorded]
) -> None:
    name = "api-runs-queries"
    faults = broken(planted(prod_plan, ON_PROJECT, name, "member", member), PROD)
    assert faults == [
        f"grants-are-to-the-stacks-own: {ON_PROJECT} {name} is to {member}, whom the stack does not declare"
    ]


def test_the_accounts_ci_runs_as_administer_and_never_own() -> None:
    accounts = [recorded(ACCOUNT, one, {"accountId": one}) for one in ("exposure-deploy", "exposure-api")]
    grant = {"project": "p", "role": "roles/run.admin", "member": DEPLOYER}
    assert broken([*accounts, recorded(ON_PROJECT, "x", grant)], PROD) == []
    assert broken([*accounts, recorded(ON_PROJECT, "x", {**grant, "role": "roles/owner"})], PROD)
    assert broken([*accounts, recorded(ON_PROJECT, "x", {**grant, "member": API})], PROD)


def test_a_charter_is_what_the_stacks_file_says() -> None:
    assert charter_of(
        {
            "access": "iam",
            "protected": True,
            "region": "europe-west4",
            "dataset_location": "EU",
            "labels": {"team": "x"},
        }
    ) == Charter(
        is_public=False,
        is_protected=True,
        regions=frozenset({"europe-west4", "EU", "global"}),
        labels=frozenset({"team"}),
    )
    with pytest.raises(KeyError, match="protected"):
        charter_of({"access": "public"})


def test_every_rule_has_a_name_of_its_own_and_says_what_it_refuses() -> None:
    assert len({name_of(rule) for rule in EVERY_RULE}) == len(EVERY_RULE)
    for rule in EVERY_RULE:
        assert summary_of(rule).startswith("Refuse "), name_of(rule)
