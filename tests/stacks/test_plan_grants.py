"""Who may do what in each environment: every grant there is, by whom it is to, and no other."""

from __future__ import annotations

import re
from typing import Any

import pytest

from exposure.contracts.catalog import CATALOG
from exposure.warehouse.schema import quarantine_table, rows_table
from fakes.plan_environments import ENVIRONMENTS, settings_for
from fakes.plan_faults import recorded
from fakes.plan_lookup import SERVICE, named, of_type
from stacks.delivery import DEPLOY_ROLES, GRANTED_ROLES, PREVIEW_ROLES
from stacks.plan import Recorded

# Whatever in the SDK lets somebody in.
LETS_IN = re.compile(r"(?i)iam(member|binding|policy|auditconfig)$|access(binding|control|level)?$|acl$")
ACCOUNT = re.compile(r"serviceAccount:(?:exposure-)?([^@]+)@")
API, INGEST, PUSH, CANARY, AGENT = "api", "ingest", "push", "canary", "service-1"
DEPLOY, PREVIEW, GITHUB = "deploy", "preview", "GitHub"
READERS = {"service-100000000003", "other's deploy"}
APPENDER = "projects/project/roles/exposureAppender"
CUSTOM = "gcp:projects/iAMCustomRole:IAMCustomRole"

PROJECT = settings_for("full").project

Grant = tuple[str, str]


def grants_of(plan: list[Recorded]) -> dict[str, set[Grant]]:
    """Return each grant's role and what it is on, by whom it is to."""
    found: dict[str, set[Grant]] = {}
    for one in plan:
        if LETS_IN.search(one.type) or {"member", "members", "accesses"} & one.inputs.keys():
            found.setdefault(holder(one), set()).add((str(one.inputs.get("role")), target(one)))
    return found


def holder(grant: Recorded) -> str:
    """Return whom a grant is to, in this file's words."""
    member = str(grant.inputs.get("member"))
    if member.startswith("principalSet:"):
        return GITHUB
    account = ACCOUNT.match(member)
    if account is None:
        return member
    return "other's deploy" if "@data-exposure-other." in member else account[1]


def target(grant: Recorded) -> str:
    """Return what a grant is on: the last parts of its path."""
    inputs: dict[str, Any] = {
        name: value
        for name, value in grant.inputs.items()
        if name not in {"member", "role", "condition", "location"}
    }
    return ".".join(str(inputs[name]).rsplit("/", 1)[-1].split("@")[0] for name in sorted(inputs))


def expected_of_reading(environment: str) -> dict[str, set[Grant]]:
    """Return what the API may do."""
    settings = settings_for(environment)
    api = {("roles/bigquery.dataViewer", f"{one.dataset}.{rows_table(one).name}") for one in CATALOG}
    api |= {("roles/bigquery.jobUser", settings.project)}
    api |= {("roles/secretmanager.secretAccessor", "page-token-keys")}
    if settings.reader_keys_version is not None:
        api |= {("roles/secretmanager.secretAccessor", "reader-keys")}
    if settings.cache is not None:
        api |= {("roles/memorystore.dbConnectionUser", settings.project)}
    return {API: api | expected_of_telemetry(environment)}


def expected_of_telemetry(environment: str) -> set[Grant]:
    """Return what a service may do to send its traces and its metrics."""
    settings = settings_for(environment)
    wishes = {"tracesWriter": settings.trace_ratio, "metricsWriter": settings.metrics_interval_seconds}
    return {
        (f"roles/telemetry.{role}", settings.project) for role, wish in wishes.items() if wish is not None
    }


def expected_of_writing(environment: str) -> dict[str, set[Grant]]:
    """Return what ingest, whoever pushes to it, and Pub/Sub itself may do."""
    tables = [table(one) for one in CATALOG for table in (rows_table, quarantine_table)]
    ingest = {(APPENDER, f"{table.dataset}.{table.name}") for table in tables}
    ingest |= expected_of_telemetry(environment)
    pulls = {("roles/pubsub.subscriber", one.subscription) for one in CATALOG}
    letters = {("roles/pubsub.publisher", one.dead_letter_topic) for one in CATALOG}
    kept = {("roles/bigquery.dataEditor", f"{one.dataset}.{one.name}_dead_letters") for one in CATALOG}
    if settings_for(environment).worker is not None:
        return {INGEST: ingest | pulls, AGENT: pulls | letters | kept}
    mints = {("roles/iam.serviceAccountTokenCreator", "exposure-push")}
    return {
        INGEST: ingest,
        PUSH: {("roles/run.invoker", "ingest")},
        AGENT: pulls | letters | kept | mints,
    }


def expected_of_the_canary(environment: str) -> dict[str, set[Grant]]:
    """Return what the canary may do: what any producer and any reader may."""
    settings = settings_for(environment)
    if not settings.canary:
        return {}
    publishes = {("roles/pubsub.publisher", one.topic) for one in CATALOG}
    return {CANARY: publishes if settings.is_public else publishes | {("roles/run.invoker", "api")}}


def expected_of_delivery(environment: str) -> dict[str, set[Grant]]:
    """Return what GitHub's jobs may become and do, and who may pull images."""
    settings = settings_for(environment)
    if settings.delivery is None:
        return {}
    project, bucket = settings.project, settings.delivery.state_bucket
    accounts = (API, INGEST, PUSH, *expected_of_the_canary(environment))
    key = ("roles/cloudkms.cryptoKeyEncrypterDecrypter", settings.delivery.state_key.rsplit("/", 1)[-1])
    runs = {("roles/iam.serviceAccountUser", f"exposure-{name}") for name in accounts}
    deploys = {(role, project) for role in (*DEPLOY_ROLES, "roles/resourcemanager.projectIamAdmin")}
    looks = {(role, project) for role in (*PREVIEW_ROLES, "projects/project/roles/exposurePreviewer")}
    state = {(f"roles/storage.{name}", bucket) for name in ("objectViewer", "objectUser")}
    return {
        DEPLOY: deploys | runs | {("roles/storage.objectUser", bucket), key},
        PREVIEW: looks | state | {key},
        GITHUB: {("roles/iam.workloadIdentityUser", f"exposure-{name}") for name in (DEPLOY, PREVIEW)},
        **{reader: {("roles/artifactregistry.reader", "exposure")} for reader in READERS},
    }


@pytest.fixture(params=ENVIRONMENTS)
def granted(request: pytest.FixtureRequest) -> tuple[str, dict[str, set[Grant]]]:
    """Each environment, and everything granted in it."""
    return request.param, grants_of(request.getfixturevalue(f"{request.param}_plan"))


def test_the_api_may_read_rows_and_ask_for_them_and_nothing_else(
    granted: tuple[str, dict[str, set[Grant]]],
) -> None:
    environment, found = granted
    assert found[API] == expected_of_reading(environment)[API]


def test_ingest_may_append_and_not_read_and_the_agent_may_deliver_and_bury(
    granted: tuple[str, dict[str, set[Grant]]],
) -> None:
    environment, found = granted
    expected = expected_of_writing(environment)
    assert {name: found[name] for name in expected} == expected


def test_nobody_else_may_do_anything(granted: tuple[str, dict[str, set[Grant]]]) -> None:
    environment, found = granted
    delivery = expected_of_delivery(environment)
    canary = expected_of_the_canary(environment)
    assert found.keys() == {API, *expected_of_writing(environment), *delivery, *canary}
    assert {name: found[name] for name in delivery} == delivery


def test_the_canary_may_publish_and_ask_as_others_do_and_nothing_else(
    granted: tuple[str, dict[str, set[Grant]]],
) -> None:
    environment, found = granted
    expected = expected_of_the_canary(environment)
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    "one",
    [
        recorded(
            "gcp:projects/iAMMember:IAMMember",
            "x",
            {
                "member": "serviceAccount:exposure-api@project.iam.gserviceaccount.com",
                "project": "p",
                "role": "roles/bigquery.dataOwner",
            },
        ),
        recorded("gcp:bigquery/datasetAccess:DatasetAccess", "x", {"role": "READER", "datasetId": "d"}),
        recorded("gcp:storage/bucketACL:BucketACL", "x", {"bucket": "b"}),
        recorded("gcp:bigquery/dataset:Dataset", "x", {"accesses": []}),
    ],
    ids=lambda one: one.type,
)
def test_one_more_grant_of_any_kind_is_found(one: Recorded, dev_plan: list[Recorded]) -> None:
    assert grants_of([*dev_plan, one]) != grants_of(dev_plan)


def test_what_appends_reads_no_row(plan: list[Recorded]) -> None:
    role = named(plan, CUSTOM, "appender")
    assert role["permissions"] == ["bigquery.tables.get", "bigquery.tables.updateData"]


def test_a_service_starts_after_all_it_may_do_is_granted(plan: list[Recorded]) -> None:
    by_urn = {one.urn: one for one in plan}
    for service in of_type(plan, SERVICE):
        first = {by_urn[urn].name for urn in service.depends_on}
        member = f"serviceAccount:exposure-{service.name}@project.iam.gserviceaccount.com"
        needed = {
            one.name
            for one in plan
            if one.inputs.get("member") == member and one.type.endswith(("amMember", "AMMember"))
        }
        assert needed
        assert needed - {"api-connects-to-cache"} <= first


def test_github_is_let_in_by_numbers_and_deploys_from_its_branch_in_the_protected_environment_only(
    full_plan: list[Recorded],
) -> None:
    kind = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider"
    provider = named(full_plan, kind, "github-actions")
    assert provider["attributeCondition"] == (
        "assertion.repository_owner_id == '987654' && assertion.repository_id == '123456789'"
    )
    assert provider["attributeMapping"]["attribute.environment"] == "assertion.environment"
    assert provider["attributeMapping"]["attribute.deployer"] == (
        'assertion.environment + "@" + assertion.ref'
    )
    grants = of_type(full_plan, "gcp:serviceaccount/iAMMember:IAMMember")
    trades = {
        target(one): one.inputs["member"].split("/attribute.", 1)[1]
        for one in grants
        if one.inputs["role"] == "roles/iam.workloadIdentityUser"
    }
    assert trades == {
        "exposure-deploy": "deployer/prod@refs/heads/master",
        "exposure-preview": "environment/prod-preview",
    }


def test_a_deployment_grants_the_stacks_own_roles_and_no_other(full_plan: list[Recorded]) -> None:
    grants = named(full_plan, "gcp:projects/iAMMember:IAMMember", "deploy-grants")
    services = {
        role for one in (API, INGEST, PUSH) for role, on in grants_of(full_plan)[one] if on == PROJECT
    }
    assert services == set(GRANTED_ROLES)
    assert set(re.findall(r"'(roles/[^']+)'", grants["condition"]["expression"])) == services


def test_a_preview_reads_and_changes_nothing_but_the_lock(full_plan: list[Recorded]) -> None:
    writing = ("admin", "Admin", "Editor", "owner", "/viewer", ".dataViewer", "secretAccessor")
    assert not [role for role in PREVIEW_ROLES if role.endswith(writing)]
    locks = named(full_plan, "gcp:storage/bucketIAMMember:BucketIAMMember", "preview-locks")
    assert locks["condition"]["expression"] == (
        'resource.name.startsWith("projects/_/buckets/data-exposure-prod-state/objects/.pulumi/locks/")'
    )
    assert named(full_plan, CUSTOM, "previewer")["permissions"] == [
        "logging.logMetrics.get",
        "logging.logMetrics.list",
    ]
