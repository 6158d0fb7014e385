"""A new revision gets its share, then everything, or everything goes back to the revision before."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from fakes.plan_environments import settings_for
from stacks.config import Settings
from stacks.plan import Recorded, record
from stacks.platform import Platform, declare
from stacks.release import short_name, trial_uri
from stacks.service import service_uri

SERVICE = "gcp:cloudrunv2/service:Service"
LATEST = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST"
REVISION = "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"
BEFORE = {"api": "api-00007-abc", "ingest": "ingest-00003-abc"}


def on(stage: str | None, **values: Any) -> Settings:
    """Return dev's settings in a stage of a release."""
    release = None if stage is None else {"stage": stage, "revisions": BEFORE}
    right = settings_for("dev").model_dump(mode="json")
    return Settings.model_validate({**right, "release": release, **values})


def traffic(settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Return each service's traffic."""
    plan = record("dev", lambda: declare(settings))
    return {one.name: list(one.inputs["traffics"]) for one in plan if one.type == SERVICE}


EVERYTHING = [{"type": LATEST, "percent": 100}]


@pytest.mark.parametrize("share", [10, None])
def test_outside_a_release_the_newest_revision_has_everything(share: int | None) -> None:
    assert traffic(on(None, new_revision_share=share)) == {"api": EVERYTHING, "ingest": EVERYTHING}


def test_on_trial_the_newest_revision_of_the_api_has_its_share_and_an_address_and_ingest_everything() -> None:
    assert traffic(on("trial", new_revision_share=10)) == {
        "api": [
            {"type": REVISION, "revision": "api-00007-abc", "percent": 90},
            {"type": LATEST, "percent": 10, "tag": "candidate"},
        ],
        "ingest": EVERYTHING,
    }


def test_a_release_that_failed_goes_back_on_both_roads() -> None:
    back = {name: [{"type": REVISION, "revision": before, "percent": 100}] for name, before in BEFORE.items()}
    assert traffic(on("back")) == back


def test_without_a_revision_before_nothing_is_shared() -> None:
    first = on("trial", release={"stage": "trial", "revisions": {}})
    assert traffic(first) == {"api": EVERYTHING, "ingest": EVERYTHING}


def test_without_a_share_a_trial_is_none() -> None:
    assert traffic(on("trial", new_revision_share=None)) == {"api": EVERYTHING, "ingest": EVERYTHING}


@pytest.mark.parametrize("stage", ["trial", "back", None])
@pytest.mark.parametrize("share", [1, 50, 99])
def test_shares_are_all_of_the_requests(stage: str | None, share: int) -> None:
    for shares in traffic(on(stage, new_revision_share=share)).values():
        assert sum(one["percent"] for one in shares) == 100


def exported(settings: Settings) -> dict[str, str]:
    """Return the output `revisions` of a stack."""
    kept: list[dict[str, str]] = []

    def program() -> None:
        platform: Platform = declare(settings)
        platform.revisions.apply(kept.append)

    record("dev", program)
    return kept[0]


@pytest.mark.parametrize("stage", ["trial", "back"])
def test_until_a_release_has_everything_the_stack_remembers_what_answered_before(stage: str) -> None:
    assert exported(on(stage)) == BEFORE


def test_once_a_release_has_everything_the_next_one_goes_back_to_it() -> None:
    newest = exported(on(None))
    assert newest.keys() == BEFORE.keys()
    assert all(revision.startswith(f"{name}-") for name, revision in newest.items())
    assert newest != BEFORE


def test_a_revision_is_named_as_traffic_names_it() -> None:
    assert short_name("projects/p/locations/l/services/api/revisions/api-00001-abc") == "api-00001-abc"
    assert short_name("api-00001-abc") == "api-00001-abc"


def test_the_newest_revision_is_tried_at_the_address_of_its_tag() -> None:
    settings = on("trial")
    (tag,) = {one["tag"] for one in traffic(settings)["api"] if "tag" in one}
    assert trial_uri(service_uri("api", settings)) == (
        f"https://{tag}---api-{settings.project_number}.{settings.region}.run.app"
    )


@pytest.mark.parametrize(
    "release",
    [
        {"stage": "half", "revisions": BEFORE},
        {"stage": "back"},
        {"stage": "back", "revisions": {"api": "A B"}},
    ],
    ids=json.dumps,
)
def test_a_stage_that_is_none_ends_the_preview(release: Any) -> None:
    with pytest.raises(ValidationError):
        on(None, release=release)


def test_a_pool_that_pulls_has_no_share_to_give(pulling_plan: list[Recorded]) -> None:
    assert {one.name for one in pulling_plan if one.type == SERVICE} == {"api"}
