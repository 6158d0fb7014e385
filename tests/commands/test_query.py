from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from typer.testing import CliRunner

from exposure.__main__ import app
from exposure.commands.api_pages import RowsUrl
from exposure.local.platform import Addresses
from fakes.canned_http import canned_http

ROWS = 7
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def api(platform: Addresses) -> str:
    """An API that serves a few orders."""
    runner = CliRunner()
    lines = [json.dumps(order(number), ensure_ascii=False) for number in range(ROWS)]
    command = ["publish", "orders", "--emulator", platform.pubsub]
    assert runner.invoke(app, command, input="\n".join(lines)).exit_code == 0
    end = time.monotonic() + 20
    while len(httpx2.get(f"{platform.api}/v1/orders").json()["data"]) < ROWS:
        assert time.monotonic() < end, "the orders did not become visible"
        time.sleep(0.02)
    return platform.api


def order(number: int) -> dict[str, object]:
    return {
        "order_id": f"ord-{number}",
        # Recent, because orders are asked for by a window of days.
        "placed_at": (NOW + timedelta(seconds=number)).isoformat(),
        "customer_id": 2**62 + number,
        "total": f"{number}.50",
        "currency": "[bold]EUR[/bold]",
        "paid": number % 2 == 0,
        "items": [{"sku": "SKU-1", "quantity": 1, "unit_price": "0.000000001"}],
        "context": {"café": None},
    }


def test_rows_are_shown_as_a_table_with_their_columns(cli: CliRunner, api: str) -> None:
    shown = cli.invoke(
        app, ["query", "orders", "--select", "order_id,total", "--order", "total", "--url", api]
    )
    assert shown.exit_code == 0
    words = [line.split() for line in shown.stdout.splitlines() if line.strip()]
    assert words[0] == ["order_id", "total"]
    assert words[2:] == [[f"ord-{number}", f"{number}.5"] for number in range(ROWS)]
    assert shown.stderr.startswith("7 rows with placed_at.gte=")


def test_values_are_shown_as_they_are(cli: CliRunner, api: str) -> None:
    command = [
        "query",
        "orders",
        "order_id.eq=ord-1",
        "--select",
        "currency,paid,weight_kg,context",
        "--url",
        api,
    ]
    cells = cli.invoke(app, command).stdout.splitlines()[3].split("   ")
    assert [cell.strip() for cell in cells if cell.strip()] == ["[bold]EUR[/bold]", "false", '{"café": null}']


def test_filters_are_the_apis_own(cli: CliRunner, api: str) -> None:
    command = ["query", "orders", "total.gte=3.5", "paid.eq=true", "--json", "--url", api]
    rows = [json.loads(line) for line in cli.invoke(app, command).stdout.splitlines()]
    assert {row["order_id"] for row in rows} == {"ord-4", "ord-6"}


def test_json_rows_are_the_apis_text_one_a_line(cli: CliRunner, api: str) -> None:
    command = ["query", "orders", "order_id.eq=ord-3", "--json", "--url", api]
    (line,) = cli.invoke(app, command).stdout.splitlines()
    row = json.loads(line)
    assert row["customer_id"] == 2**62 + 3
    assert row["items"][0]["unit_price"] == "0.000000001"
    assert "café" in line


def test_a_row_with_line_ends_in_its_json_is_still_one_line(cli: CliRunner) -> None:
    page = (
        b'{"data": [{"a": {\n  "b": "x\\ny"\n}}], "complete": true, "as_of": "now", "next_page_token": null}'
    )
    with canned_http([(200, page)]) as server:
        shown = cli.invoke(app, ["query", "orders", "--json", "--url", server.url])
    assert shown.stdout == '{"a":{"b":"x\\ny"}}\n'


def test_one_page_says_that_more_rows_remain(cli: CliRunner, api: str) -> None:
    shown = cli.invoke(app, ["query", "orders", "--page-size", "3", "--json", "--url", api])
    assert len(shown.stdout.splitlines()) == 3
    assert "more remain, --all reads them" in shown.stderr


def test_all_follows_the_pages_to_the_last_with_the_same_question(cli: CliRunner, api: str) -> None:
    command = ["query", "orders", "total.gte=1", "--page-size", "2", "--order", "-total", "--all", "--json"]
    shown = cli.invoke(app, [*command, "--url", api])
    rows = [json.loads(line)["order_id"] for line in shown.stdout.splitlines()]
    assert rows == ["ord-6", "ord-5", "ord-4", "ord-3", "ord-2", "ord-1"]
    assert "remain" not in shown.stderr


def test_no_rows_is_no_table_and_no_fault(cli: CliRunner, api: str) -> None:
    shown = cli.invoke(app, ["query", "orders", "total.gt=1000", "--url", api])
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert shown.stderr.startswith("0 rows with placed_at.gte=")


def test_everything_wrong_with_a_question_is_said_with_suggestions_and_ends_with_2(
    cli: CliRunner, api: str
) -> None:
    command = ["query", "orders", "totl.gte=1", "paid.gt=true", "--select", "order_id,nothing", "--url", api]
    refused = cli.invoke(app, command)
    assert (refused.exit_code, refused.stdout) == (2, "")
    lines = refused.stderr.splitlines()
    assert len(lines) == 3
    assert any(line.startswith("exposure: totl.gte: ") and "'total.gte'?" in line for line in lines)
    assert any(line.startswith("exposure: paid.gt: ") for line in lines)
    assert any(line.startswith("exposure: select: ") and "order_id, placed_at" in line for line in lines)


def test_an_error_is_told_with_its_suggestion_or_else_with_what_is_possible(cli: CliRunner) -> None:
    errors = [
        {"parameter": "a", "code": "X", "message": "wrong", "allowed": ["b", "c"], "suggestion": "b"},
        {"parameter": "d", "code": "X", "message": "wrong", "allowed": ["e", "f"], "suggestion": None},
        {"parameter": "g", "code": "X", "message": "wrong", "allowed": [str(n) for n in range(15)]},
        {"parameter": "h", "code": "X", "message": "wrong"},
    ]
    problem = {"title": "A parameter is wrong", "status": 400, "detail": "everything", "errors": errors}
    with canned_http([(400, json.dumps(problem).encode())]) as server:
        refused = cli.invoke(app, ["query", "orders", "--url", server.url])
    assert refused.exit_code == 2
    assert refused.stderr.splitlines() == [
        "exposure: a: wrong; did you mean 'b'?",
        "exposure: d: wrong; possible: e, f",
        "exposure: g: wrong; possible: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 3 more",
        "exposure: h: wrong",
    ]


def test_an_unknown_contract_is_answered_with_the_nearest_name_and_ends_with_2(
    cli: CliRunner, api: str
) -> None:
    refused = cli.invoke(app, ["query", "ordrs", "--url", api])
    assert refused.exit_code == 2
    assert len(refused.stderr.splitlines()) == 1
    assert refused.stderr.endswith("there is no contract 'ordrs'; did you mean 'orders'?\n")


def test_an_argument_that_is_no_filter_is_refused_with_the_form_of_one(cli: CliRunner) -> None:
    refused = cli.invoke(app, ["query", "orders", "total"])
    assert refused.exit_code == 2
    assert "write COLUMN.OPERATOR=VALUE, for example total.eq=1" in refused.stderr


def test_an_api_that_is_not_there_is_one_line_with_the_way_out(cli: CliRunner, closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    refused = cli.invoke(app, ["query", "orders", "--url", url])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert len(refused.stderr.splitlines()) == 1
    assert f"no API answers at {url}; start the platform with `exposure local`" in refused.stderr


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://127.0.0.1", "http://", "http://[::1"])
def test_an_address_that_is_no_url_is_one_line(cli: CliRunner, url: str) -> None:
    refused = cli.invoke(app, ["query", "orders", "--url", url], catch_exceptions=False)
    assert refused.exit_code == 1
    assert len(refused.stderr.splitlines()) == 1


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[]", b'{"data": 1}'])
def test_another_server_at_the_address_is_one_line(cli: CliRunner, body: bytes) -> None:
    with canned_http([(200, body)]) as server:
        refused = cli.invoke(app, ["query", "orders", "--url", server.url])
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"exposure: {server.url} does not answer as this API does: ")


def test_a_failure_without_an_explanation_ends_with_1_and_its_status(cli: CliRunner) -> None:
    with canned_http([(502, b"<html>bad gateway</html>")]) as server:
        refused = cli.invoke(app, ["query", "orders", "--url", server.url])
    assert (refused.exit_code, refused.stderr) == (1, "exposure: the answer is 502 without an explanation\n")


def test_a_failure_of_the_service_ends_with_1_in_its_own_words(cli: CliRunner) -> None:
    problem = {"title": "The warehouse does not answer", "status": 503, "detail": "it did not answer in time"}
    with canned_http([(503, json.dumps(problem).encode())]) as server:
        refused = cli.invoke(app, ["query", "orders", "--url", server.url])
    assert (refused.exit_code, refused.stderr) == (1, "exposure: it did not answer in time\n")


def test_a_page_that_leads_to_itself_ends_the_walk(cli: CliRunner) -> None:
    page = {"data": [{"a": 1}], "complete": False, "as_of": "now", "next_page_token": "same"}
    with canned_http([(200, json.dumps(page).encode())]) as server:
        ended = cli.invoke(app, ["query", "orders", "--all", "--json", "--url", server.url])
    assert ended.exit_code == 1
    assert len(ended.stdout.splitlines()) == 2
    assert "the same page again and again" in ended.stderr


def test_all_asks_for_large_pages_unless_told_otherwise(cli: CliRunner) -> None:
    page = {"data": [], "complete": True, "as_of": "now", "next_page_token": None}
    with canned_http([(200, json.dumps(page).encode())]) as server:
        cli.invoke(app, ["query", "orders", "--all", "--url", server.url])
    assert server.paths == ["/v1/orders?page_size=1000"]


def test_a_credential_is_sent_whether_given_or_in_the_environment_and_never_told(
    cli: CliRunner, api: str
) -> None:
    wrong = "dxp_0000000000000000_" + "a" * 43
    command = ["query", "orders", "--url", api]
    for words, environment in ((["--credential", wrong], {}), ([], {"EXPOSURE_CREDENTIAL": wrong})):
        refused = cli.invoke(app, command + words, env=environment)
        assert refused.exit_code == 2
        assert refused.stderr == "exposure: the API key is not valid\n"
        assert wrong not in refused.output
    assert wrong not in repr(RowsUrl(api, "orders", [], wrong))
