"""Both environments' plans, recorded once: what the program declares under the SDK's mocks."""

from __future__ import annotations

import pytest

from stacks.plan import Recorded, record, settings_of
from stacks.platform import declare


def plan_of(stack: str) -> list[Recorded]:
    settings = settings_of(stack)
    return record(stack, lambda: declare(settings))


@pytest.fixture(scope="session")
def dev_plan() -> list[Recorded]:
    return plan_of("dev")


@pytest.fixture(scope="session")
def prod_plan() -> list[Recorded]:
    return plan_of("prod")


@pytest.fixture(params=["dev", "prod"])
def plan(request: pytest.FixtureRequest) -> list[Recorded]:
    """Each environment's plan in turn."""
    recorded: list[Recorded] = request.getfixturevalue(f"{request.param}_plan")
    return recorded
