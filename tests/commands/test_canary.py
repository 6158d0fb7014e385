"""`exposure canary` as a person and a worker pool run it, on the embedded platform."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from exposure.__main__ import app
from exposure.clock import now
from exposure.commands.canary_surroundings import LiveSurroundings
from exposure.commands.quarantine_source import QuarantineSource
from exposure.contracts.canary import CANARY_MARK, CANARY_PREFIX
from exposure.contracts.catalog import CATALOG
from exposure.local.platform import Addresses
from exposure.telemetry.names import CANARIES, CANARY_AGE, EVENT_FIELD, UNACCOUNTED
from fakes.canned_http import canned_http
from fakes.running_platform import running_platform

NAMES = [contract.name for contract in CATALOG]
NO_ROWS = json.dumps({"data": [], "complete": True, "as_of": "2026-11-25T12:00:00Z"}).encode()


def canary(platform: Addresses, *more: str) -> list[str]:
    return ["canary", *more, "--emulator", platform.pubsub, "--url", platform.api]


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_row_of_every_contract_is_published_and_seen(cli: CliRunner, platform: Addresses) -> None:
    ended = cli.invoke(app, canary(platform))
    assert ended.exit_code == 0, ended.output
    told = ended.stdout.splitlines()
    assert [line.split(":")[0] for line in told] == NAMES
    for line in told:
        assert CANARY_PREFIX in line
        assert " visible " in line
        assert line.endswith("0 unaccounted")


def test_only_the_named_contract_is_tried(cli: CliRunner, platform: Addresses) -> None:
    [line] = cli.invoke(app, canary(platform, "orders")).stdout.splitlines()
    assert line.startswith("orders: ")


def test_rounds_write_the_lines_that_the_metrics_are_read_from(cli: CliRunner, platform: Addresses) -> None:
    ended = cli.invoke(app, canary(platform, "--json", "--every", "1ms", "--rounds", "2"))
    assert ended.exit_code == 0, ended.output
    written = lines(ended.stdout)
    for metric in (CANARIES, CANARY_AGE, UNACCOUNTED):
        found = [line for line in written if line[EVENT_FIELD] == metric.event]
        assert [line["contract"] for line in found] == NAMES * 2
        for line in found:
            assert set(metric.labels) <= line.keys()
            assert isinstance(line.get(metric.field, 0), int | float)
    canaries = [line for line in written if line[EVENT_FIELD] == CANARIES.event]
    assert {line["result"] for line in canaries} == {"visible"}
    assert len({line["key"] for line in canaries}) == 2 * len(NAMES)
    assert all(line["messages"] == 0 for line in written if line[EVENT_FIELD] == UNACCOUNTED.event)


def test_canaries_are_in_no_answer_of_the_running_platform_but_their_own(
    cli: CliRunner, platform: Addresses
) -> None:
    ended = cli.invoke(app, canary(platform, "orders", "--json"))
    key = lines(ended.stdout)[0]["key"]
    assert key.startswith(CANARY_PREFIX)
    with httpx2.Client(base_url=platform.api, trust_env=False) as client:
        for path in ("orders", "orders:export?format=ndjson", "orders:aggregate?group=order_id"):
            answer = client.get(f"/v1/{path}")
            assert answer.status_code == 200
            assert CANARY_PREFIX not in answer.text
        assert client.get("/v1/orders:aggregate").json()["data"] == [{"count": 0}]
        assert client.get(f"/v1/orders/{key}").json()["data"]["order_id"] == key


@pytest.fixture
def impatient() -> list[str]:
    return ["--within", "300ms", "--json"]


def results(stdout: str) -> set[tuple[str, str]]:
    found = lines(stdout)
    accounts = {
        line["contract"]: line["messages"] for line in found if line[EVENT_FIELD] == UNACCOUNTED.event
    }
    return {
        (line["result"], str(accounts[line["contract"]]))
        for line in found
        if line[EVENT_FIELD] == CANARIES.event
    }


def test_rows_the_api_never_shows_are_missing_and_unaccounted_for(
    cli: CliRunner, platform: Addresses, impatient: list[str]
) -> None:
    with canned_http([(200, NO_ROWS)]) as api:
        ended = cli.invoke(app, ["canary", *impatient, "--emulator", platform.pubsub, "--url", api.url])
    assert ended.exit_code == 1
    assert results(ended.stdout) == {("missing", "1")}


def test_an_api_that_is_down_is_not_taken_for_loss(
    cli: CliRunner, platform: Addresses, impatient: list[str], closed_port: int
) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    ended = cli.invoke(app, ["canary", *impatient, "--emulator", platform.pubsub, "--url", url])
    assert ended.exit_code == 1
    assert results(ended.stdout) == {("unanswered", "0")}


def test_an_api_that_is_broken_is_told_with_its_own_words(
    cli: CliRunner, platform: Addresses, impatient: list[str]
) -> None:
    problem = json.dumps({"title": "The warehouse does not answer", "status": 503}).encode()
    with canned_http([(503, problem)]) as api:
        ended = cli.invoke(
            app, ["canary", "orders", "--within", "1ms", "--emulator", platform.pubsub, "--url", api.url]
        )
    assert ended.exit_code == 1
    assert "unanswered" in ended.stdout
    assert "The warehouse does not answer" in ended.stdout


def test_without_an_identity_of_googles_the_api_is_not_asked_for_one(
    cli: CliRunner, platform: Addresses, impatient: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    ended = cli.invoke(app, canary(platform, "orders", *impatient, "--identity-token"))
    assert ended.exit_code == 1
    assert results(ended.stdout) == {("unanswered", "0")}
    assert f"there is no identity token for {platform.api}" in ended.stdout


def test_the_api_is_shown_the_credential_of_the_environment(
    cli: CliRunner, platform: Addresses, impatient: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EXPOSURE_CREDENTIAL", "dxp_nobodys")
    ended = cli.invoke(app, canary(platform, "orders", *impatient))
    assert ended.exit_code == 1
    assert "the API key is not valid" in ended.stdout


def test_a_topic_that_is_not_there_is_told(cli: CliRunner, platform: Addresses, impatient: list[str]) -> None:
    ended = cli.invoke(app, canary(platform, *impatient, "--project", "nobodys"))
    assert ended.exit_code == 1
    assert results(ended.stdout) == {("unpublished", "0")}
    assert all("there is no topic projects/nobodys/" in line["detail"] for line in lines(ended.stdout)[::2])


def test_a_pubsub_that_does_not_answer_is_told(
    cli: CliRunner, platform: Addresses, impatient: list[str], closed_port: int
) -> None:
    address = f"127.0.0.1:{closed_port}"
    ended = cli.invoke(app, ["canary", "orders", *impatient, "--emulator", address, "--url", platform.api])
    assert ended.exit_code == 1
    assert results(ended.stdout) == {("unpublished", "0")}


@pytest.mark.parametrize("duration", ["60", "1.5s", "-1s", "s", "1 s"])
def test_what_is_no_duration_is_refused(cli: CliRunner, duration: str) -> None:
    ended = cli.invoke(app, ["canary", "--every", duration])
    assert ended.exit_code == 2
    assert "is no duration" in ended.stderr


def test_a_producers_own_row_with_a_canarys_key_is_in_quarantine_and_told(
    cli: CliRunner, tmp_path: Path
) -> None:
    taken = {"id": f"{CANARY_PREFIX}mine", "timestamp": now().isoformat(), "data": "x"}
    listing = ["quarantine", "list", "analytics_table", "--json", "--data-dir", str(tmp_path)]
    with running_platform(tmp_path) as platform:
        publishing = ["publish", "analytics_table", "--emulator", platform.pubsub]
        assert cli.invoke(app, publishing, input=json.dumps(taken)).exit_code == 0
        # By the time a later message is seen this one is judged, or is delivered again at the next start.
        assert cli.invoke(app, canary(platform, "analytics_table")).exit_code == 0
    while not (listed := cli.invoke(app, listing)).stdout:
        with running_platform(tmp_path) as platform:
            assert cli.invoke(app, canary(platform, "analytics_table")).exit_code == 0
    [found] = lines(listed.stdout)
    assert found["reason"] == "RESERVED_KEY"


def test_a_canary_in_quarantine_is_found_there_by_its_mark(cli: CliRunner, tmp_path: Path) -> None:
    contract, begun = CATALOG.get("orders"), now()
    source = QuarantineSource(None, None, tmp_path)
    with running_platform(tmp_path) as platform:
        world = LiveSurroundings("local", platform.pubsub, platform.api, lambda: None, source)
        world.publish(contract, b"{}", {CANARY_MARK: f"{CANARY_PREFIX}lost"})
        assert cli.invoke(app, canary(platform, "orders")).exit_code == 0
        world.close()
    while not world.quarantined(contract, f"{CANARY_PREFIX}lost", begun):
        with running_platform(tmp_path) as platform:
            assert cli.invoke(app, canary(platform, "orders")).exit_code == 0
    assert not world.quarantined(contract, f"{CANARY_PREFIX}other", begun)
    assert not world.quarantined(contract, f"{CANARY_PREFIX}lost", now())
