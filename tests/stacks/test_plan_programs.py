"""What services and worker pools are told, and that it starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from exposure.api.access.keys import StoredKeys, write_keys
from exposure.contracts.catalog import CATALOG
from exposure.settings import ENVIRONMENT_PREFIX, ApiSettings, IngestSettings, PullSettings
from fakes.plan_lookup import SERVICE, SUBSCRIPTION, WORKERS, environment_of, named, of_type
from stacks.plan import Recorded

# No credentials are to be had here; an address of an emulator asks for none.
EMULATORS = {
    "EXPOSURE_BIGQUERY_ENDPOINT": "http://127.0.0.1:9",
    "EXPOSURE_STORAGE_WRITE_ENDPOINT": "127.0.0.1:9",
    "EXPOSURE_PUBSUB_ENDPOINT": "127.0.0.1:9",
}
KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
# The worker is asked to stop before it runs, since what it waits for is not there.
PULLS = """
import asyncio
from exposure.entrypoints import pull

async def started_and_stopped():
    worker = pull()
    worker.stop()
    await worker.run()

asyncio.run(started_and_stopped())
"""


def started(program: str, told: dict[str, str]) -> None:
    """Run a program in a process of its own, as in its container; the plan's own libraries stay out of it."""
    subprocess.run([sys.executable, "-c", program], env=os.environ | told | EMULATORS, check=True, timeout=60)


def test_every_variable_declared_for_a_service_is_one_it_reads(pushing_plan: list[Recorded]) -> None:
    for service, settings in (("api", ApiSettings), ("ingest", IngestSettings)):
        names = {f"{ENVIRONMENT_PREFIX}{field.upper()}" for field in settings.model_fields}
        assert environment_of(pushing_plan, SERVICE, service).keys() <= names


@pytest.mark.parametrize("service", ["api", "ingest"])
def test_the_environment_declared_for_a_service_starts_it(
    service: str, pushing_plan: list[Recorded], tmp_path: Path
) -> None:
    told = environment_of(pushing_plan, SERVICE, service)
    if mounted := told.get("EXPOSURE_KEYS_FILE"):
        mounts = named(pushing_plan, SERVICE, service)["template"]["containers"][0]["volumeMounts"]
        assert mounted.rpartition("/")[0] in {mount["mountPath"] for mount in mounts}
        told["EXPOSURE_KEYS_FILE"] = str(tmp_path / "keys.json")
        (tmp_path / "keys.json").write_bytes(write_keys(StoredKeys()))
    if "EXPOSURE_PAGE_TOKEN_KEYS" in told:
        told["EXPOSURE_PAGE_TOKEN_KEYS"] = KEY
    command = named(pushing_plan, SERVICE, service)["template"]["containers"][0]["commands"]
    module, _, factory = command[2].partition(":")
    started(f"import {module} as module; assert callable(module.{factory}())", told)


def test_the_environment_declared_for_a_pool_starts_it(pulling_plan: list[Recorded]) -> None:
    started(PULLS, environment_of(pulling_plan, WORKERS, "ingest"))


def test_a_pool_that_pulls_takes_the_place_of_the_service_and_of_every_push(
    pulling_plan: list[Recorded],
) -> None:
    (pool,) = of_type(pulling_plan, WORKERS)
    container = pool.inputs["template"]["containers"][0]
    assert container["commands"][1:] == ["-m", "exposure", "ingest", "--pull"]
    fields = {f"{ENVIRONMENT_PREFIX}{field.upper()}" for field in PullSettings.model_fields}
    assert environment_of(pulling_plan, WORKERS, "ingest").keys() <= fields
    assert [one.name for one in of_type(pulling_plan, SERVICE)] == ["api"]
    assert not any("pushConfig" in one.inputs for one in of_type(pulling_plan, SUBSCRIPTION))
    ingest = "serviceAccount:exposure-ingest@project.iam.gserviceaccount.com"
    grants = of_type(pulling_plan, "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember")
    pulls = {one.inputs["subscription"] for one in grants if one.inputs["member"] == ingest}
    assert pulls == {contract.subscription for contract in CATALOG}
