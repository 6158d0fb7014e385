"""Both environments' plans, recorded once: what the program declares under the SDK's mocks."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.config import Settings
from stacks.plan import Recorded, record, settings_of
from stacks.platform import declare

EVERY_OPTION: dict[str, Any] = {
    "access": "iam",
    "image_readers": ["serviceAccount:service-100000000003@serverless-robot-prod.iam.gserviceaccount.com"],
    "budget": {"billing_account": "000000-000000-000000", "amount_units": 500, "currency": "EUR"},
    "cache": {"node_type": "SHARED_CORE_NANO", "replicas": 1, "range": "10.20.0.0/24"},
    "bi_engine_gib": 2,
    "delivery": {
        "repository_id": "123456789",
        "owner_id": "987654",
        "environment": "prod",
        "branch": "master",
        "state_bucket": "data-exposure-prod-state",
        "state_key": "projects/data-exposure-prod/locations/europe-west1/keyRings/pulumi/cryptoKeys/state",
    },
}


def plan_of(stack: str) -> list[Recorded]:
    settings = settings_of(stack)
    return record(stack, lambda: declare(settings))


@pytest.fixture(scope="session")
def dev_plan() -> list[Recorded]:
    return plan_of("dev")


@pytest.fixture(scope="session")
def prod_plan() -> list[Recorded]:
    return plan_of("prod")


@pytest.fixture(scope="session")
def full_plan() -> list[Recorded]:
    """What an environment declares that asks for every optional part."""
    settings = Settings.model_validate({**settings_of("prod").model_dump(mode="json"), **EVERY_OPTION})
    return record("full", lambda: declare(settings))


@pytest.fixture(scope="session")
def pulling_plan() -> list[Recorded]:
    """What an environment declares whose ingest pulls."""
    worker = {
        "instances": 2,
        "cpu": "1",
        "memory": "1Gi",
        "held_messages": 2000,
        "batch_rows": 1000,
        "appends_in_flight": 2,
    }
    settings = settings_of("dev").model_dump(mode="json") | {"worker": worker}
    return record("pulling", lambda: declare(Settings.model_validate(settings)))


@pytest.fixture(params=["dev", "prod", "full", "pulling"])
def plan(request: pytest.FixtureRequest) -> list[Recorded]:
    """Each plan in turn."""
    recorded: list[Recorded] = request.getfixturevalue(f"{request.param}_plan")
    return recorded


@pytest.fixture(params=["dev", "prod", "full"])
def pushing_plan(request: pytest.FixtureRequest) -> list[Recorded]:
    """Each plan whose ingest is pushed to, in turn."""
    recorded: list[Recorded] = request.getfixturevalue(f"{request.param}_plan")
    return recorded
