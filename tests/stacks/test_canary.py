"""The canary as the stacks declare it: one instance, told where to publish and whom to ask."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from exposure.contracts.access import CLOSED
from exposure.contracts.catalog import CATALOG, Catalog
from exposure.telemetry import names
from fakes.declarations import declared
from fakes.operations_plan import changed
from fakes.plan_lookup import WORKERS, named, of_type
from stacks import config
from stacks.metrics import WORKER_POOL, homes_of
from stacks.plan import Recorded

_COMMAND = ["/app/ingest/bin/python", "-m", "exposure", "canary", "--json", "--every", "60s"]


def commands(plan: list[Recorded]) -> list[str]:
    [container] = named(plan, WORKERS, "canary")["template"]["containers"]
    told: list[str] = container["commands"]
    return told


def test_the_canary_publishes_to_the_stacks_project_and_asks_its_api_once_a_minute(
    full_plan: list[Recorded],
) -> None:
    told = commands(full_plan)
    assert told[: len(_COMMAND)] == _COMMAND
    assert told[told.index("--project") + 1] == "data-exposure-prod"
    assert told[told.index("--url") + 1] == "https://api-100000000002.europe-west1.run.app"


def test_an_api_that_asks_for_an_identity_is_shown_one(full_plan: list[Recorded]) -> None:
    assert commands(full_plan)[-1] == "--identity-token"


def test_the_canarys_pool_is_where_its_metrics_are_read(full_plan: list[Recorded]) -> None:
    assert named(full_plan, WORKERS, "canary")["scaling"] == {"manualInstanceCount": 1}
    for metric in (names.CANARIES, names.CANARY_AGE, names.UNACCOUNTED):
        assert homes_of(metric) == (WORKER_POOL,)


def test_a_stack_without_a_canary_has_no_instance_and_no_account_of_it(prod_plan: list[Recorded]) -> None:
    assert not of_type(prod_plan, WORKERS)
    accounts = of_type(prod_plan, "gcp:serviceaccount/account:Account")
    assert "exposure-canary" not in {one.inputs["accountId"] for one in accounts}


def test_a_canary_that_could_not_read_a_contract_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "CATALOG", Catalog((*CATALOG, declared(access=CLOSED))))
    with pytest.raises(ValidationError, match="visits: canary is true, and it has no credential"):
        changed("prod", canary=True)
    assert not changed("prod", canary=False).canary


def test_every_topic_takes_the_canarys_messages(full_plan: list[Recorded]) -> None:
    grants = of_type(full_plan, "gcp:pubsub/topicIAMMember:TopicIAMMember")
    topics = {one.inputs["topic"] for one in grants if "exposure-canary@" in one.inputs["member"]}
    assert topics == {contract.topic for contract in CATALOG}
