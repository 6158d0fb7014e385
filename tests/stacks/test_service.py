"""What a Cloud Run service is told before it exists is held to what Google says of it."""

from __future__ import annotations

from typing import Any

import pytest

from stacks.plan import settings_of
from stacks.service import Program, Runtime, _container, check_address

OURS = "https://api-100000000001.europe-west1.run.app"


def test_an_address_google_does_not_have_ends_the_deployment_naming_the_setting() -> None:
    with pytest.raises(ValueError, match="see project_number"):
        check_address(OURS, ["https://api-100000000002.europe-west1.run.app", "https://api-x-ew.a.run.app"])


def test_an_address_google_has_is_right_and_none_yet_is_not_wrong() -> None:
    assert check_address(OURS, [OURS, "https://api-x-ew.a.run.app"])
    assert check_address(OURS, None) == ()


@pytest.mark.parametrize("works", [True, False])
def test_only_a_service_that_works_between_requests_keeps_its_cpu(works: bool) -> None:
    account: Any = None
    program = Program(
        runtime=Runtime(image="image", account=account, after=()),
        command=("run",),
        environment={},
        secrets={},
        files={},
        sizes=settings_of("dev").api,
        is_internal=False,
        is_public=True,
        network=None,
        works_between_requests=works,
    )
    resources: Any = _container(program).resources
    assert resources.cpu_idle is not works
