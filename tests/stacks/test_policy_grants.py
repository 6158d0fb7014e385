"""Nobody is granted more than is listed for them, in a preview as well, and nobody unknown anything."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from fakes.plan_environments import settings_for
from fakes.plan_faults import GONE, planted, recorded
from fakes.plan_policy import broken, charter, previewed
from stacks.plan import Recorded
from stacks.policy.resource import UNKNOWN
from stacks.policy.roles import (
    INVOKER,
    ON_ACCOUNT,
    ON_BUCKET,
    ON_PROJECT,
    ON_SERVICE,
    ON_TABLE,
    ON_TOPIC,
)
from stacks.policy.rules import RULES

SERVICE = "gcp:cloudrunv2/service:Service"
DATASET = "gcp:bigquery/dataset:Dataset"
ON_DATASET = "gcp:bigquery/datasetIamMember:DatasetIamMember"
DATASET_ACCESS = "gcp:bigquery/datasetAccess:DatasetAccess"
ON_ORGANIZATION = "gcp:organizations/iAMMember:IAMMember"
BINDING = "gcp:projects/iAMBinding:IAMBinding"
POLICY = "gcp:pubsub/topicIAMPolicy:TopicIAMPolicy"
CUSTOM = "gcp:projects/iAMCustomRole:IAMCustomRole"
PROVIDER = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider"
API, INGEST, PUSH, CANARY, DEPLOY, PREVIEW = (
    f"serviceAccount:exposure-{name}@project.iam.gserviceaccount.com"
    for name in ("api", "ingest", "push", "canary", "deploy", "preview")
)
POOL = "principalSet://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/github"
AGENT = "serviceAccount:service-1@gcp-sa-pubsub.iam.gserviceaccount.com"
ACCOUNTS = "projects/project/serviceAccounts"
PROD = charter(settings_for("prod"))
PRIVATE = dataclasses.replace(PROD, is_public=False)
FULL = charter(settings_for("full"))


def granted(kind: str, role: str, member: str, **more: Any) -> Recorded:
    return recorded(kind, "x", {"role": role, "member": member, **more})


BROAD = [
    granted(ON_PROJECT, "roles/owner", DEPLOY),
    granted(ON_PROJECT, "roles/editor", API),
    granted(ON_TABLE, "roles/owner", API),
    granted(ON_PROJECT, "roles/bigquery.admin", API),
    granted(ON_PROJECT, "roles/bigquery.dataOwner", INGEST),
    granted(ON_PROJECT, "roles/bigquery.dataViewer", INGEST),
    granted(ON_PROJECT, "roles/bigquery.dataEditor", API),
    granted(ON_PROJECT, "roles/pubsub.editor", API),
    granted(ON_PROJECT, "roles/run.developer", API),
    granted(ON_PROJECT, "roles/secretmanager.secretAccessor", INGEST),
    granted(ON_PROJECT, "projects/project/roles/exposureAppender", INGEST),
    granted(ON_TABLE, "roles/bigquery.dataViewer", INGEST),
    granted(ON_TABLE, "roles/bigquery.dataEditor", API),
    granted(ON_DATASET, "roles/bigquery.dataOwner", INGEST),
    granted(ON_DATASET, "roles/bigquery.dataViewer", API),
    granted(ON_ORGANIZATION, "roles/bigquery.jobUser", API),
    granted(DATASET_ACCESS, "READER", API),
    granted(ON_SERVICE, INVOKER, API, name="ingest"),
    granted(ON_SERVICE, INVOKER, CANARY, name="ingest"),
    granted(ON_TOPIC, "roles/pubsub.publisher", CANARY, topic="orders-topic-dead-letters"),
    granted(ON_PROJECT, "roles/pubsub.publisher", CANARY),
    granted(ON_TABLE, "roles/bigquery.dataViewer", CANARY, tableId="orders"),
    granted(ON_ACCOUNT, "roles/iam.serviceAccountTokenCreator", API),
    granted(ON_ACCOUNT, "roles/iam.workloadIdentityUser", API),
    granted(ON_TABLE, "roles/bigquery.dataViewer", API, tableId="orders_quarantine"),
    granted(ON_TABLE, "roles/bigquery.dataEditor", AGENT, tableId="orders"),
    granted(
        ON_ACCOUNT,
        "roles/iam.serviceAccountTokenCreator",
        AGENT,
        serviceAccountId=f"{ACCOUNTS}/exposure-api@p",
    ),
    granted(
        ON_ACCOUNT,
        "roles/iam.workloadIdentityUser",
        f"{POOL}/attribute.environment/prod",
        serviceAccountId=f"{ACCOUNTS}/exposure-api@p",
    ),
    granted(ON_PROJECT, "roles/run.admin", PREVIEW),
    granted(ON_PROJECT, "roles/iam.serviceAccountTokenCreator", PREVIEW),
    granted(ON_PROJECT, "roles/iam.serviceAccountKeyAdmin", PREVIEW),
    granted(ON_PROJECT, "roles/bigquery.dataViewer", PREVIEW),
    granted(ON_PROJECT, "roles/bigquery.filteredDataViewer", PREVIEW),
    granted(ON_PROJECT, "roles/storage.objectViewer", PREVIEW),
    granted(ON_PROJECT, "roles/logging.privateLogViewer", PREVIEW),
    granted(ON_PROJECT, "roles/secretmanager.secretAccessor", PREVIEW),
    granted(ON_BUCKET, "roles/storage.objectUser", PREVIEW),
    granted(ON_BUCKET, "roles/storage.admin", DEPLOY),
    granted(ON_PROJECT, "roles/iam.serviceAccountTokenCreator", DEPLOY),
    granted(ON_PROJECT, "roles/iam.workloadIdentityPoolAdmin", DEPLOY),
    granted(ON_PROJECT, "roles/resourcemanager.projectIamAdmin", DEPLOY),
    granted(ON_ORGANIZATION, "roles/run.admin", DEPLOY),
    granted(ON_ACCOUNT, "roles/iam.workloadIdentityUser", f"{POOL}/*"),
    granted(ON_ACCOUNT, "roles/iam.workloadIdentityUser", f"{POOL}/attribute.environment/*"),
    granted(ON_PROJECT, "roles/run.admin", f"{POOL}/attribute.environment/prod"),
]


@pytest.mark.parametrize("grant", BROAD, ids=lambda one: f"{one.inputs['role']} {one.inputs['member'][:26]}")
def test_a_role_that_is_not_listed_for_its_holder_is_refused(grant: Recorded) -> None:
    assert [
        fault for fault in broken([grant], PROD) if fault.startswith(f"no-role-is-broad: {grant.type} x ")
    ]


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        (ON_PROJECT, "roles/editor"),
        (ON_TABLE, "roles/owner"),
        (ON_DATASET, "roles/bigquery.dataOwner"),
        (ON_ORGANIZATION, "roles/run.admin"),
        (ON_PROJECT, "roles/iam.serviceAccountTokenCreator"),
        (DATASET_ACCESS, "READER"),
    ],
)
def test_a_role_nobody_may_have_is_refused_before_its_member_is_known(kind: str, role: str) -> None:
    (one,) = previewed([granted(kind, role, API)])
    assert one.at("member") is UNKNOWN
    assert [sentence for rule in RULES for sentence in rule(one, PROD)]


@pytest.mark.parametrize(
    "grant",
    [
        granted(ON_PROJECT, "roles/run.admin", DEPLOY),
        granted(ON_PROJECT, "roles/run.viewer", PREVIEW),
        granted(ON_PROJECT, "roles/bigquery.metadataViewer", PREVIEW),
        granted(ON_PROJECT, "roles/iam.securityReviewer", PREVIEW),
        granted(ON_PROJECT, "roles/bigquery.jobUser", API),
        granted(
            ON_ACCOUNT,
            "roles/iam.workloadIdentityUser",
            f"{POOL}/attribute.environment/prod",
            serviceAccountId=f"{ACCOUNTS}/exposure-deploy@p",
        ),
    ],
    ids=lambda one: one.inputs["role"],
)
def test_a_role_that_is_listed_for_its_holder_is_not_refused(grant: Recorded) -> None:
    assert not [fault for fault in broken([grant], PROD) if fault.startswith("no-role-is-broad")]


@pytest.mark.parametrize(
    ("grant", "old", "new"),
    [
        ("deploy-grants", "'roles/bigquery.jobUser'", "'roles/owner'"),
        ("deploy-grants", ".hasOnly(", ".hasAny("),
        ("preview-locks", ".pulumi/locks/", ".pulumi/"),
        ("preview-locks", "resource.name.startsWith", "true || resource.name.startsWith"),
    ],
)
def test_a_condition_that_no_longer_bounds_a_grant_is_refused(
    grant: str, old: str, new: str, full_plan: list[Recorded]
) -> None:
    one = next(one for one in full_plan if one.name == grant)
    wider = one.inputs["condition"]["expression"].replace(old, new)
    assert wider != one.inputs["condition"]["expression"]
    faults = broken(planted(full_plan, one.type, grant, "condition.expression", wider), FULL)
    assert [fault.startswith(f"no-role-is-broad: {one.type} {grant} ") for fault in faults] == [True]


@pytest.mark.parametrize(
    "condition",
    [
        GONE,
        "true",
        "assertion.repository_owner_id == '987654'",
        "assertion.repository_owner_id == '987654' || assertion.repository_id == '1'",
        "assertion.repository_owner_id == 'acme' && assertion.repository_id == '1'",
        "assertion.repository_owner == '9' && assertion.repository == '1'",
        "assertion.repository_owner_id == '9' && assertion.repository_id != '1'",
    ],
)
def test_a_pool_that_admits_more_than_one_repository_is_refused(
    condition: Any, full_plan: list[Recorded]
) -> None:
    faults = broken(planted(full_plan, PROVIDER, "github-actions", "attributeCondition", condition), FULL)
    assert [fault.startswith(f"outsiders-are-told-by-number: {PROVIDER}") for fault in faults] == [True]


@pytest.mark.parametrize(
    ("name", "path", "value", "said"),
    [
        ("appender", "permissions", ["bigquery.tables.getData"], "allows bigquery.tables.getData"),
        ("appender", "roleId", "exposureOwner", "allows bigquery.tables.updateData"),
        ("previewer", "permissions", ["logging.logEntries.list"], "allows logging.logEntries.list"),
    ],
)
def test_a_custom_role_that_allows_more_than_is_listed_is_refused(
    name: str, path: str, value: Any, said: str, full_plan: list[Recorded]
) -> None:
    faults = broken(planted(full_plan, CUSTOM, name, path, value), FULL)
    assert [fault for fault in faults if fault.endswith(f"{CUSTOM} {name} {said}")]


@pytest.mark.parametrize(
    "one",
    [
        granted(ON_TABLE, "roles/bigquery.dataViewer", "allAuthenticatedUsers"),
        granted(ON_SERVICE, INVOKER, "allUsers", name="ingest"),
        recorded(BINDING, "x", {"role": "r", "members": [API, "allUsers"]}),
        recorded(POLICY, "x", {"policyData": '{"bindings": [{"members": ["allUsers"]}]}'}),
        recorded(DATASET, "x", {"accesses": [{"specialGroup": "allAuthenticatedUsers"}]}),
        recorded(DATASET_ACCESS, "x", {"role": "READER", "specialGroup": "allAuthenticatedUsers"}),
        recorded(DATASET_ACCESS, "x", {"role": "READER", "iamMember": "allUsers"}),
        recorded("gcp:storage/bucketAccessControl:BucketAccessControl", "x", {"entity": "allUsers"}),
    ],
    ids=lambda one: one.type,
)
def test_a_grant_to_anybody_at_all_is_refused_however_it_is_made(one: Recorded) -> None:
    rule = "nobody-unknown-is-granted-anything"
    assert [fault for fault in broken([one], PROD) if fault.startswith(f"{rule}: {one.type} x ")]


@pytest.mark.parametrize(
    "one",
    [
        recorded(BINDING, "x", {"role": INVOKER, "members": []}),
        recorded(POLICY, "x", {"policyData": "{}"}),
        recorded(DATASET, "x", {"accesses": [{"role": "READER", "userByEmail": "a@example.com"}]}),
    ],
    ids=lambda one: one.type,
)
def test_a_grant_that_replaces_others_is_refused(one: Recorded) -> None:
    assert [
        fault
        for fault in broken([one], PROD)
        if fault.startswith(f"grants-add-and-never-replace: {one.type}")
    ]


def test_only_the_api_of_a_public_stack_skips_the_invoker_check(prod_plan: list[Recorded]) -> None:
    assert broken(prod_plan, PROD) == []
    assert "although the stack's access is iam" in broken(prod_plan, PRIVATE)[0]
    ingest = broken(planted(prod_plan, SERVICE, "ingest", "invokerIamDisabled", True), PROD)
    assert ["ingest answers callers nobody has granted anything" in fault for fault in ingest] == [True]


def test_anybody_may_be_granted_the_calling_of_a_public_api_and_nothing_else() -> None:
    grant = {"name": "api", "role": INVOKER, "member": "allUsers"}
    assert broken([recorded(ON_SERVICE, "x", grant)], PROD) == []
    assert broken([recorded(ON_SERVICE, "x", grant)], PRIVATE)
    assert broken([recorded(ON_SERVICE, "x", {**grant, "name": "ingest"})], PROD)
    assert broken([recorded(ON_SERVICE, "x", {**grant, "role": "roles/run.developer"})], PROD)
