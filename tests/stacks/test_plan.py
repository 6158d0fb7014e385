"""What the environments declare, judged without a cloud: golden plans, and the ties between resources."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from exposure.contracts.analytics_table import CONTRACT
from exposure.contracts.catalog import CATALOG, Catalog
from exposure.warehouse.schema import quarantine_table, rows_table
from fakes.plan_environments import ENVIRONMENTS
from fakes.plan_lookup import SERVICE, SUBSCRIPTION, TABLE, environment_of, named, of_type
from stacks.config import Settings
from stacks.plan import Recorded, describe, record, settings_of
from stacks.platform import declare

GOLDEN = Path(__file__).parent.parent / "golden" / "plans"


@pytest.mark.parametrize("stack", ENVIRONMENTS)
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


def test_every_push_is_meant_for_the_service_it_goes_to_and_comes_as_its_only_invoker(
    pushing_plan: list[Recorded],
) -> None:
    pushes = [one for one in of_type(pushing_plan, SUBSCRIPTION) if "pushConfig" in one.inputs]
    assert len(pushes) == len(CATALOG.contracts)
    told = environment_of(pushing_plan, SERVICE, "ingest")
    for push in pushes:
        config = push.inputs["pushConfig"]
        assert config["pushEndpoint"].startswith(f"{config['oidcToken']['audience']}/push/")
        assert config["oidcToken"]["audience"] == told["EXPOSURE_PUSH_AUDIENCE"]
        assert config["oidcToken"]["serviceAccountEmail"] == told["EXPOSURE_PUSH_ACCOUNT"]
    callers = of_type(pushing_plan, "gcp:cloudrunv2/serviceIamMember:ServiceIamMember")
    invokers = [one for one in callers if one.inputs["name"] == "ingest"]
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


def test_every_subscription_outlasts_silence_and_waits_and_all_but_archives_have_dead_letters(
    plan: list[Recorded],
) -> None:
    for one in of_type(plan, SUBSCRIPTION):
        assert one.inputs["expirationPolicy"] == {"ttl": ""}
        assert one.inputs["retryPolicy"] == {"minimumBackoff": "10s", "maximumBackoff": "600s"}
        if "bigqueryConfig" not in one.inputs:
            assert one.inputs["deadLetterPolicy"]["maxDeliveryAttempts"] == 100


def test_every_topic_keeps_its_messages_in_the_stacks_region(plan: list[Recorded]) -> None:
    topics = of_type(plan, "gcp:pubsub/topic:Topic")
    assert len(topics) == 2 * len(CATALOG.contracts)
    regions = [one.inputs["messageStoragePolicy"]["allowedPersistenceRegions"] for one in topics]
    assert regions == [["europe-west1"]] * len(topics)


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
