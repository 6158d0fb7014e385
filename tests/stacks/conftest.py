"""Every environment's plan, recorded once: what the program declares under the SDK's mocks."""

from __future__ import annotations

import pytest

from fakes.plan_environments import ENVIRONMENTS, plan_of
from stacks.plan import Recorded


@pytest.fixture(scope="session")
def dev_plan() -> list[Recorded]:
    return plan_of("dev")


@pytest.fixture(scope="session")
def prod_plan() -> list[Recorded]:
    return plan_of("prod")


@pytest.fixture(scope="session")
def full_plan() -> list[Recorded]:
    """What an environment declares that asks for every optional part."""
    return plan_of("full")


@pytest.fixture(scope="session")
def pulling_plan() -> list[Recorded]:
    """What an environment declares whose ingest pulls."""
    return plan_of("pulling")


@pytest.fixture(params=ENVIRONMENTS)
def plan(request: pytest.FixtureRequest) -> list[Recorded]:
    """Each plan in turn."""
    recorded: list[Recorded] = request.getfixturevalue(f"{request.param}_plan")
    return recorded


@pytest.fixture(params=["dev", "prod", "full"])
def pushing_plan(request: pytest.FixtureRequest) -> list[Recorded]:
    """Each plan whose ingest is pushed to, in turn."""
    recorded: list[Recorded] = request.getfixturevalue(f"{request.param}_plan")
    return recorded
