"""`exposure status` over a running platform, and its JSON against the committed schema."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import httpx2
import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from exposure.__main__ import app
from exposure.commands import status as module
from exposure.commands.metrics_text import Histogram, MetricsText, NotMetrics
from exposure.commands.standing import standings
from exposure.contracts.catalog import CATALOG
from exposure.local.platform import Addresses
from exposure.telemetry.counts import Counts
from exposure.telemetry.exposition import exposition
from exposure.telemetry.names import FAILURES, FRESHNESS, LATENCY, REQUESTS
from fakes.canned_http import canned_http

SCHEMA = json.loads(Path(module.__file__).with_name("status.schema.json").read_text())
CONTRACT = CATALOG.get("analytics_table")
ROWS = 5


def look(cli: CliRunner, platform: Addresses) -> Any:
    shown = cli.invoke(app, ["status", "--api", platform.api, "--ingest", platform.ingest, "--json"])
    assert shown.exit_code == 0, shown.stderr
    return json.loads(shown.stdout)


def of(document: Any, contract: str) -> Any:
    [found] = [one for one in document["contracts"] if one["name"] == contract]
    return found


@pytest.fixture(scope="module")
def busy(platform: Addresses) -> Addresses:
    """The platform after five good messages, one bad one, two reads, and both of them once again."""
    runner = CliRunner()
    good = [json.dumps({"id": str(number), "timestamp": "2026-11-25T12:00:00Z"}) for number in range(ROWS)]
    command = ["publish", CONTRACT.name, "--emulator", platform.pubsub]
    assert runner.invoke(app, command, input="\n".join([*good, '{"id": 1}'])).exit_code == 0
    end = time.monotonic() + 20
    while of(look(runner, platform), CONTRACT.name)["received"] < ROWS + 1:
        assert time.monotonic() < end, "the messages did not arrive"
        time.sleep(0.02)
    page, row = f"{platform.api}/v1/{CONTRACT.name}", f"{platform.api}/v1/{CONTRACT.name}/1"
    answers = [httpx2.get(url) for url in (page, row, page, f"{page}?nonsense=1")]
    httpx2.get(row, headers={"If-None-Match": answers[1].headers["etag"]})
    assert [answer.status_code for answer in answers] == [200, 200, 200, 400]
    return platform


def test_the_json_is_what_its_committed_schema_says(cli: CliRunner, busy: Addresses) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    document = look(cli, busy)
    jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(document)
    assert [one["name"] for one in document["contracts"]] == [contract.name for contract in CATALOG]


def test_it_says_what_came_in_and_what_became_of_it(cli: CliRunner, busy: Addresses) -> None:
    standing = of(look(cli, busy), CONTRACT.name)
    assert (standing["received"], standing["stored"], standing["quarantined"]) == (ROWS + 1, ROWS, 1)
    assert (standing["left"], standing["failed_appends"]) == (0, 0)
    assert standing["backlog"] == {"messages": 0, "oldest_seconds": 0.0}
    assert 0 < standing["freshness"]["p50_seconds"] <= standing["freshness"]["p95_seconds"]


def test_it_says_what_was_answered_and_what_is_left_of_the_budgets(cli: CliRunner, busy: Addresses) -> None:
    standing = of(look(cli, busy), CONTRACT.name)
    assert standing["requests"] == 4
    assert standing["budgets"]["availability"] == {
        "goal": CONTRACT.service_level.availability_goal, "total": 4, "good": 4, "left": 1.0,
    }  # fmt: skip
    assert standing["budgets"]["freshness"]["left"] == 1.0
    assert 0 < standing["latency"]["p50_seconds"] <= standing["latency"]["p95_seconds"]


def test_it_says_how_many_answers_came_from_the_warehouse_and_how_many_were_kept(
    cli: CliRunner, busy: Addresses
) -> None:
    end = time.monotonic() + 20
    # Lines of answers that cost nothing are gathered.
    while sum((found := of(look(cli, busy), CONTRACT.name)["answers"]).values()) < 4:
        assert time.monotonic() < end, found
        time.sleep(0.02)
    assert found == {"cache": 2, "warehouse": 2}
    shown = cli.invoke(app, ["status", "--api", busy.api, "--ingest", busy.ingest])
    assert "cache 2, warehouse 2" in " ".join(shown.stdout.split())


def test_a_contract_nobody_uses_has_no_numbers_rather_than_wrong(cli: CliRunner, busy: Addresses) -> None:
    standing = of(look(cli, busy), "orders")
    assert standing["freshness"] == {"p50_seconds": None, "p95_seconds": None}
    assert {budget["left"] for budget in standing["budgets"].values()} == {None}


def test_a_person_is_shown_tables_of_the_same(cli: CliRunner, busy: Addresses) -> None:
    shown = cli.invoke(app, ["status", "--api", busy.api, "--ingest", busy.ingest])
    assert shown.exit_code == 0, shown.stderr
    for word in ("received", "quarantined", "backlog", "answers by tier", "availability", CONTRACT.name):
        assert word in shown.stdout
    assert "100% left of 99.9 %" in shown.stdout


def test_a_platform_that_does_not_run_is_named_in_one_sentence(cli: CliRunner, closed_port: int) -> None:
    shown = cli.invoke(app, ["status", "--api", f"http://127.0.0.1:{closed_port}", "--json"])
    assert shown.exit_code == 1
    assert "start the platform with `exposure local`" in shown.stderr
    assert len(shown.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [((404, b""), "EXPOSURE_METRICS=true"), ((200, b"<html>"), "no service of this platform")],
)
def test_whatever_else_answers_is_said_to_be_that(
    cli: CliRunner, answer: tuple[int, bytes], sentence: str
) -> None:
    with canned_http([answer]) as server:
        shown = cli.invoke(app, ["status", "--api", server.url, "--json"])
    assert shown.exit_code == 1
    assert sentence in shown.stderr


@pytest.mark.parametrize("odd", ["no metrics at all", "exposure_rows{contract} 1", "{}", "exposure_rows one"])
def test_a_text_that_is_no_page_of_metrics_is_refused(odd: str) -> None:
    with pytest.raises(NotMetrics):
        MetricsText(f"exposure_requests_total 1\n{odd}\n")


def text(**values: list[float]) -> MetricsText:
    metrics = {"latency": LATENCY, "freshness": FRESHNESS, "requests": REQUESTS, "failures": FAILURES}
    counts = Counts()
    for name, each in values.items():
        for value in each:
            counts.add(metrics[name], [CONTRACT.name], value)
    return MetricsText(exposition(counts))


def test_a_budget_is_the_share_of_allowed_failures_that_is_not_spent() -> None:
    # 95 % within 0.3 s and 99.9 % answered: of 100 answers 5 may be slow, of 1000 requests 1 may fail.
    api = text(latency=[0.3] * 98 + [0.301] * 2, requests=[1] * 1000, failures=[1, 1])
    budgets = standings([CONTRACT], api, text(freshness=[60.0, 61.0]))[0].budgets
    assert dataclasses.astuple(budgets.latency) == (0.95, 100, 98, 0.6)
    assert budgets.availability.left == -1.0
    assert budgets.freshness.good == 1


def test_a_quantile_lies_evenly_in_its_bucket_and_no_further_than_the_last_edge() -> None:
    histogram = Histogram(((1.0, 10.0), (2.0, 20.0), (float("inf"), 21.0)))
    assert histogram.quantile(0.5) == pytest.approx(1.05)
    assert histogram.quantile(1) == 2.0
    assert Histogram(()).quantile(0.5) is None


@given(st.lists(st.floats(0, 40), min_size=1, max_size=50), st.floats(0.01, 0.99))
def test_a_quantile_is_in_the_bucket_of_the_true_one(values: list[float], share: float) -> None:
    histogram = text(latency=values).histogram(LATENCY.name, contract=CONTRACT.name)
    below = histogram.quantile(share)
    true = sorted(values)[min(len(values) - 1, int(share * len(values) - 1e-9))]
    assert below is not None
    low = max((edge for edge in LATENCY.edges if edge < true), default=0.0)
    high = min((edge for edge in LATENCY.edges if edge >= true), default=LATENCY.edges[-1])
    assert low - 1e-9 <= below <= high + 1e-9


def test_a_label_is_read_back_as_it_was_written() -> None:
    assert MetricsText('a{b="x\\"y\\\\z\\n"} 1').by("b", "a") == {'x"y\\z\n': 1}
    with pytest.raises(NotMetrics):
        MetricsText("a{b=x} 1")
