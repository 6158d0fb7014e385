"""What both environments declare, judged without a cloud: golden plans, and the ties between resources."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from exposure.contracts.analytics_table import CONTRACT
from exposure.contracts.catalog import CATALOG, Catalog
from exposure.settings import ENVIRONMENT_PREFIX, ApiSettings, IngestSettings, PullSettings
from exposure.warehouse.schema import quarantine_table, rows_table
from stacks.config import Settings
from stacks.delivery import PREVIEW_ROLES
from stacks.plan import Recorded, describe, record, settings_of
from stacks.platform import declare

GOLDEN = Path(__file__).parent.parent / "golden" / "plans"
SERVICE = "gcp:cloudrunv2/service:Service"
SUBSCRIPTION = "gcp:pubsub/subscription:Subscription"
TABLE = "gcp:bigquery/table:Table"


def of_type(plan: list[Recorded], kind: str) -> list[Recorded]:
    return [one for one in plan if one.type == kind]


def named(plan: list[Recorded], kind: str, name: str) -> Any:
    return next(one for one in of_type(plan, kind) if one.name == name).inputs


def environment_of(plan: list[Recorded], service: str) -> dict[str, str]:
    container = named(plan, SERVICE, service)["template"]["containers"][0]
    return {env["name"]: env.get("value", "secret") for env in container["envs"]}


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_plan_is_the_golden_one(stack: str, request: pytest.FixtureRequest) -> None:
    text = describe(request.getfixturevalue(f"{stack}_plan"))
    # Where the repository lies on this machine is part of a build's context.
    text = text.replace(str(Path(__file__).parent.parent.parent), ".")
    golden = GOLDEN / f"{stack}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text(), "make golden rewrites it"


def test_environments_that_ask_for_the_same_declare_the_same(prod_plan: list[Recorded]) -> None:
    choices = ("image", "image_readers", "budget", "cache", "bi_engine_gib", "delivery", "worker")
    wanted = settings_of("prod").model_dump(mode="json", include=set(choices))
    settings = Settings.model_validate({**settings_of("dev").model_dump(mode="json"), **wanted})

    def kinds(plan: list[Recorded]) -> Counter[tuple[str, str]]:
        return Counter((one.type, one.name) for one in plan)

    assert kinds(record("dev", lambda: declare(settings))) == kinds(prod_plan)


def test_only_an_option_asked_for_declares_its_parts(
    prod_plan: list[Recorded], full_plan: list[Recorded]
) -> None:
    def kinds(plan: list[Recorded]) -> set[str]:
        return {one.type for one in plan}

    assert kinds(full_plan) - kinds(prod_plan) >= {
        "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember",
        "gcp:bigquery/biReservation:BiReservation",
        "gcp:compute/network:Network",
        "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider",
        "gcp:memorystore/instance:Instance",
    }


def test_the_cache_is_private_and_asks_who_connects(full_plan: list[Recorded]) -> None:
    cache = named(full_plan, "gcp:memorystore/instance:Instance", "cache")
    assert cache["authorizationMode"] == "IAM_AUTH"
    assert cache["transitEncryptionMode"] == "SERVER_AUTHENTICATION"
    egress = named(full_plan, SERVICE, "api")["template"]["vpcAccess"]
    assert egress["egress"] == "PRIVATE_RANGES_ONLY"
    firewalls = of_type(full_plan, "gcp:compute/firewall:Firewall")
    assert {tag for one in firewalls for tag in one.inputs["targetTags"]} == set(
        egress["networkInterfaces"][0]["tags"]
    )
    assert [one.name for one in firewalls if "denies" in one.inputs] == ["api-reaches-nothing-else"]
    assert "vpcAccess" not in named(full_plan, SERVICE, "ingest")["template"]


def test_github_is_let_in_by_numbers_and_deploys_from_the_protected_environment_only(
    full_plan: list[Recorded],
) -> None:
    kind = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider"
    provider = named(full_plan, kind, "github-actions")
    assert provider["attributeCondition"] == (
        "assertion.repository_owner_id == '987654' && assertion.repository_id == '123456789'"
    )
    grants = of_type(full_plan, "gcp:serviceaccount/iAMMember:IAMMember")
    trades = {
        one.inputs["serviceAccountId"].split("/")[-1].split("@")[0]: one.inputs["member"].rsplit("/", 1)[-1]
        for one in grants
        if one.inputs["role"] == "roles/iam.workloadIdentityUser"
    }
    assert trades == {"exposure-deploy": "prod", "exposure-preview": "prod-preview"}
    assert not of_type(full_plan, "gcp:serviceaccount/key:Key")


def test_a_preview_reads_and_changes_nothing_but_the_lock(full_plan: list[Recorded]) -> None:
    preview = "serviceAccount:exposure-preview@project.iam.gserviceaccount.com"
    project = of_type(full_plan, "gcp:projects/iAMMember:IAMMember")
    roles = {one.inputs["role"] for one in project if one.inputs["member"] == preview}
    assert roles == set(PREVIEW_ROLES)
    assert not {role for role in roles if role.endswith(("admin", "Admin", "Editor", "owner", "/viewer"))}
    assert not roles & {"roles/bigquery.dataViewer", "roles/secretmanager.secretAccessor"}
    bucket = of_type(full_plan, "gcp:storage/bucketIAMMember:BucketIAMMember")
    writes = [
        one.inputs
        for one in bucket
        if one.inputs["member"] == preview and one.inputs["role"] == "roles/storage.objectUser"
    ]
    assert [one["condition"]["expression"] for one in writes] == [
        'resource.name.startsWith("projects/_/buckets/data-exposure-prod-state/objects/.pulumi/locks/")'
    ]


def test_a_pool_that_pulls_takes_the_place_of_the_service_and_of_every_push(
    pulling_plan: list[Recorded],
) -> None:
    (pool,) = of_type(pulling_plan, "gcp:cloudrunv2/workerPool:WorkerPool")
    container = pool.inputs["template"]["containers"][0]
    assert container["commands"][1:] == ["-m", "exposure", "ingest", "--pull"]
    fields = {f"{ENVIRONMENT_PREFIX}{field.upper()}" for field in PullSettings.model_fields}
    assert {env["name"] for env in container["envs"]} <= fields
    assert [one.name for one in of_type(pulling_plan, SERVICE)] == ["api"]
    assert not any("pushConfig" in one.inputs for one in of_type(pulling_plan, SUBSCRIPTION))
    ingest = "serviceAccount:exposure-ingest@project.iam.gserviceaccount.com"
    grants = of_type(pulling_plan, "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember")
    pulls = {one.inputs["subscription"] for one in grants if one.inputs["member"] == ingest}
    assert pulls == {contract.subscription for contract in CATALOG}
    assert of_type(pulling_plan, "gcp:bigquery/iamMember:IamMember")


def test_every_variable_declared_for_a_service_is_one_it_reads(pushing_plan: list[Recorded]) -> None:
    for service, settings in (("api", ApiSettings), ("ingest", IngestSettings)):
        names = {f"{ENVIRONMENT_PREFIX}{field.upper()}" for field in settings.model_fields}
        assert environment_of(pushing_plan, service).keys() <= names


def test_every_push_is_meant_for_the_service_it_goes_to_and_comes_as_its_only_invoker(
    pushing_plan: list[Recorded],
) -> None:
    pushes = [one for one in of_type(pushing_plan, SUBSCRIPTION) if "pushConfig" in one.inputs]
    assert len(pushes) == len(CATALOG.contracts)
    told = environment_of(pushing_plan, "ingest")
    for push in pushes:
        config = push.inputs["pushConfig"]
        assert config["pushEndpoint"].startswith(f"{config['oidcToken']['audience']}/push/")
        assert config["oidcToken"]["audience"] == told["EXPOSURE_PUSH_AUDIENCE"]
        assert config["oidcToken"]["serviceAccountEmail"] == told["EXPOSURE_PUSH_ACCOUNT"]
    invokers = of_type(pushing_plan, "gcp:cloudrunv2/serviceIamMember:ServiceIamMember")
    assert [one.inputs["member"] for one in invokers] == [f"serviceAccount:{told['EXPOSURE_PUSH_ACCOUNT']}"]
    assert named(pushing_plan, SERVICE, "ingest")["ingress"] == "INGRESS_TRAFFIC_INTERNAL_ONLY"
    assert named(pushing_plan, SERVICE, "ingest")["invokerIamDisabled"] is False


def test_a_push_waits_for_everything_its_first_delivery_needs(pushing_plan: list[Recorded]) -> None:
    by_urn = {one.urn: one for one in pushing_plan}
    for push in of_type(pushing_plan, SUBSCRIPTION):
        if "pushConfig" not in push.inputs:
            continue
        needed = {by_urn[urn].name for urn in push.depends_on}
        topic = push.name.removesuffix("-ingest")
        assert {
            f"{topic}-dead-letters-publisher",
            f"{topic}-dead-letters-archive",
            "agent-mints-push-tokens",
            "push-invokes-ingest",
        } <= needed


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


def test_every_subscription_outlasts_silence_and_every_push_has_dead_letters_and_waits(
    plan: list[Recorded],
) -> None:
    for one in of_type(plan, SUBSCRIPTION):
        assert one.inputs["expirationPolicy"] == {"ttl": ""}
        if "pushConfig" in one.inputs:
            assert one.inputs["deadLetterPolicy"]["maxDeliveryAttempts"] == 100
            assert one.inputs["retryPolicy"] == {"minimumBackoff": "10s", "maximumBackoff": "600s"}


def test_ingest_may_append_and_not_read_and_the_api_may_read_and_not_write(plan: list[Recorded]) -> None:
    grants = of_type(plan, "gcp:bigquery/iamMember:IamMember")
    roles: dict[tuple[str, str], set[str]] = {}
    for grant in grants:
        roles.setdefault((grant.inputs["member"], grant.inputs["tableId"]), set()).add(grant.inputs["role"])
    for contract in CATALOG:
        rows, quarantine = rows_table(contract).name, quarantine_table(contract).name
        ingest = "serviceAccount:exposure-ingest@project.iam.gserviceaccount.com"
        api = "serviceAccount:exposure-api@project.iam.gserviceaccount.com"
        appender = {"projects/project/roles/exposureAppender"}
        assert roles[ingest, rows] == roles[ingest, quarantine] == appender
        assert roles[api, rows] == {"roles/bigquery.dataViewer"}
        assert (api, quarantine) not in roles
    role = named(plan, "gcp:projects/iAMCustomRole:IAMCustomRole", "appender")
    assert role["permissions"] == ["bigquery.tables.get", "bigquery.tables.updateData"]


def test_tables_hold_the_columns_the_writers_write_in_their_order(plan: list[Recorded]) -> None:
    for contract in CATALOG:
        for table in (rows_table(contract), quarantine_table(contract)):
            declared = named(plan, TABLE, table.name)
            fields = json.loads(declared["schema"])
            assert [field["name"] for field in fields] == [column.name for column in table.columns]
            assert declared["timePartitioning"]["field"] == table.partitioned_by
            assert declared["requirePartitionFilter"] is False


def test_what_holds_data_is_protected_where_the_stack_says_so(
    dev_plan: list[Recorded], prod_plan: list[Recorded]
) -> None:
    for plan, is_protected in ((dev_plan, False), (prod_plan, True)):
        tables = [one for one in of_type(plan, TABLE) if "view" not in one.inputs]
        assert {one.protect for one in tables} == {is_protected}
        assert {one.inputs["deletionProtection"] for one in tables} == {is_protected}


def test_services_run_an_image_by_its_digest_and_are_probed_where_they_answer(plan: list[Recorded]) -> None:
    for one in of_type(plan, SERVICE):
        container = one.inputs["template"]["containers"][0]
        assert "@sha256:" in container["image"]
        paths = {container[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe")}
        assert paths == {"/health/live", "/health/ready"}
        assert not any(path.endswith("z") for path in paths)
        assert container["resources"]["cpuIdle"] is True


@pytest.mark.parametrize("service", ["api", "ingest"])
def test_the_environment_declared_for_a_service_starts_it(service: str, pushing_plan: list[Recorded]) -> None:
    key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    told = {
        name: key if name == "EXPOSURE_PAGE_TOKEN_KEYS" else value
        for name, value in environment_of(pushing_plan, service).items()
    }
    # No credentials are to be had here; an address of an emulator asks for none.
    told |= {
        "EXPOSURE_BIGQUERY_ENDPOINT": "http://127.0.0.1:9",
        "EXPOSURE_STORAGE_WRITE_ENDPOINT": "127.0.0.1:9",
    }
    command = named(pushing_plan, SERVICE, service)["template"]["containers"][0]["commands"]
    module, _, factory = command[2].partition(":")
    # A process of its own, as in its container; the SDK's own copies of Google's protocols stay out of it.
    program = f"import {module} as module; assert callable(module.{factory}())"
    subprocess.run([sys.executable, "-c", program], env=os.environ | told, check=True, timeout=60)


def test_one_more_contract_adds_its_own_resources_and_touches_no_other(dev_plan: list[Recorded]) -> None:
    settings = settings_of("dev")
    one = record("dev", lambda: declare(settings, Catalog((CONTRACT,))))
    both = {(each.type, each.name): each.inputs for each in dev_plan}
    alone = {(each.type, each.name): each.inputs for each in one}
    # The one dashboard shows every contract.
    dashboard = ("gcp:monitoring/dashboard:Dashboard", "dashboard")
    assert alone.pop(dashboard) != both.pop(dashboard)
    assert alone.items() <= both.items()
    added = {name for _, name in both.keys() - alone.keys()}
    assert all("orders" in name or name == "sales_dataset" for name in added), added
