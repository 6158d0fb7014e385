from __future__ import annotations

import json
from datetime import timedelta

import fastavro
import jsonschema
import pytest
from google.cloud import bigquery
from open_data_contract_standard.model import OpenDataContractStandard
from typer.testing import CliRunner

from exposure.__main__ import app
from exposure.commands import contract_option
from exposure.contracts.access import CLOSED, Access, Bound, Credential, Grant
from exposure.contracts.catalog import CATALOG, Catalog
from exposure.contracts.example import example_message
from exposure.contracts.unbounded import Unbounded
from fakes.declarations import declared

EVERY_NAME = pytest.mark.parametrize("name", [contract.name for contract in CATALOG])


def test_every_contract_is_listed_with_its_topic_table_and_key(cli: CliRunner) -> None:
    shown = cli.invoke(app, ["contract", "list"])
    assert shown.exit_code == 0
    lines = shown.stdout.splitlines()
    for contract in CATALOG:
        line = next(line for line in lines if line.split()[:1] == [contract.name])
        assert line.split() == [
            contract.name, contract.version, contract.topic, f"{contract.dataset}.{contract.name}",
            contract.key, contract.event_time, contract.owner,
        ]  # fmt: skip


@EVERY_NAME
def test_a_contract_is_shown_with_every_column_an_example_and_its_get(cli: CliRunner, name: str) -> None:
    contract = CATALOG.get(name)
    shown = cli.invoke(app, ["contract", "show", name]).stdout
    for column in contract.columns:
        assert any(line.split()[:1] == [column.name] for line in shown.splitlines())
        assert column.description in shown
    assert json.dumps(example_message(contract), ensure_ascii=False) in shown
    assert f"curl 'http://127.0.0.1:8080/v1/{name}?page_size=5'" in shown


def test_nested_fields_are_shown_by_their_path(cli: CliRunner) -> None:
    shown = cli.invoke(app, ["contract", "show", "orders"]).stdout
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.strip()}
    assert rows["shipping.postcode"][:2] == ["string", "yes"]
    assert rows["items[].quantity"][:2] == ["integer", "no"]


def test_the_service_level_is_shown(cli: CliRunner) -> None:
    shown = cli.invoke(app, ["contract", "show", "orders"]).stdout
    assert "99.9 % of requests are answered" in shown
    assert "95 % of requests within 300 ms" in shown
    assert "99 % of rows visible within 60 s" in shown
    assert "a row is kept 730 days after its event time" in shown


@pytest.mark.parametrize(
    ("unbounded", "sentence"),
    [
        (timedelta(days=7), "one without a lower bound on at is about the last 7 days"),
        (Unbounded.ALLOW, "one without a lower bound on at is about every row"),
        (Unbounded.REFUSE, "one without a lower bound on at is refused"),
    ],
)
def test_what_bounds_questions_is_shown(
    cli: CliRunner, monkeypatch: pytest.MonkeyPatch, unbounded: Unbounded | timedelta, sentence: str
) -> None:
    one = declared(unbounded=unbounded, max_bytes_billed=2**30)
    monkeypatch.setattr(contract_option, "CATALOG", Catalog((one,)))
    shown = cli.invoke(app, ["contract", "show", "visits"]).stdout
    assert sentence in shown
    assert f"each bills {2**30} bytes at most" in shown


def test_who_may_read_what_is_shown(cli: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "everybody: every column, every row" in cli.invoke(app, ["contract", "show", "orders"]).stdout
    own = Grant("shop", columns=("id", "at"), rows=(Bound("id", "shop"),), by=(Credential.TOKEN,))
    guarded, closed = declared(access=Access((own,))), declared(name="closed", topic="closed", access=CLOSED)
    monkeypatch.setattr(contract_option, "CATALOG", Catalog((guarded, closed)))
    shown = cli.invoke(app, ["contract", "show", "visits"]).stdout
    assert "token with the scope shop: the columns id, at, rows whose id is the caller's claim shop" in shown
    assert "nobody may read it" in cli.invoke(app, ["contract", "show", "closed"]).stdout


@pytest.mark.parametrize("command", [["contract", "show"], ["contract", "export"], ["sample"], ["publish"]])
def test_an_unknown_contract_is_one_line_with_the_nearest_name_and_ends_with_2(
    cli: CliRunner, command: list[str]
) -> None:
    refused = cli.invoke(app, [*command, "ordrs"])
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert refused.stderr == "exposure: there is no contract 'ordrs'; did you mean 'orders'?\n"


@pytest.mark.parametrize(
    ("typed", "offered"), [("ord", ["orders"]), ("zz", []), ("", [one.name for one in CATALOG])]
)
def test_the_shell_is_offered_the_contracts_that_begin_as_typed(typed: str, offered: list[str]) -> None:
    assert contract_option._complete(typed) == offered


@EVERY_NAME
def test_the_odcs_export_is_read_by_the_standards_own_model(cli: CliRunner, name: str) -> None:
    exported = cli.invoke(app, ["contract", "export", name, "--format", "odcs"]).stdout
    read = OpenDataContractStandard.from_string(exported)
    assert read.name == name
    assert read.servers is not None
    assert {(server.type, server.environment) for server in read.servers} == {
        ("pubsub", "local"), ("duckdb", "local"), ("api", "local"),
    }  # fmt: skip


def test_the_odcs_export_of_a_deployment_names_its_project_and_address(cli: CliRunner) -> None:
    options = ["--project", "example-prod", "--environment", "prod", "--api-url", "https://api.example.com"]
    exported = json.loads(cli.invoke(app, ["contract", "export", "orders", *options]).stdout)
    topic, warehouse, api = exported["servers"]
    assert (topic["project"], warehouse["project"]) == ("example-prod", "example-prod")
    assert warehouse["dataset"] == "sales_dataset"
    assert api["location"] == "https://api.example.com/v1/orders"
    assert {server["environment"] for server in exported["servers"]} == {"prod"}


@EVERY_NAME
def test_the_json_schema_export_is_a_schema_its_own_example_fits(cli: CliRunner, name: str) -> None:
    exported = json.loads(cli.invoke(app, ["contract", "export", name, "--format", "jsonschema"]).stdout)
    jsonschema.Draft202012Validator.check_schema(exported)
    jsonschema.validate(example_message(CATALOG.get(name)), exported)


@EVERY_NAME
def test_the_avro_export_is_a_schema(cli: CliRunner, name: str) -> None:
    exported = json.loads(cli.invoke(app, ["contract", "export", name, "--format", "avro"]).stdout)
    schema = fastavro.parse_schema(exported)
    assert isinstance(schema, dict)
    assert schema["name"] == f"exposure.{name}"


@EVERY_NAME
def test_the_bigquery_export_is_read_by_the_client_as_the_two_tables(cli: CliRunner, name: str) -> None:
    options = ["--format", "bigquery", "--project", "example"]
    exported = json.loads(cli.invoke(app, ["contract", "export", name, *options]).stdout)
    rows, quarantine = map(bigquery.Table.from_api_repr, exported)
    contract = CATALOG.get(name)
    assert (rows.project, rows.dataset_id, rows.table_id) == ("example", contract.dataset, name)
    assert rows.time_partitioning.field == contract.event_time
    assert tuple(rows.clustering_fields) == contract.clustered_by
    assert [field.name for field in rows.schema] == [column.name for column in contract.stored_columns]
    assert quarantine.table_id == f"{name}_quarantine"


def test_the_bigquery_export_without_a_project_names_none(cli: CliRunner) -> None:
    exported = json.loads(cli.invoke(app, ["contract", "export", "orders", "--format", "bigquery"]).stdout)
    assert exported[0]["tableReference"] == {"datasetId": "sales_dataset", "tableId": "orders"}


def test_an_unknown_format_ends_with_2_and_lists_the_formats(cli: CliRunner) -> None:
    refused = cli.invoke(app, ["contract", "export", "orders", "--format", "xml"])
    assert refused.exit_code == 2
    assert all(name in refused.stderr for name in ("odcs", "jsonschema", "bigquery", "avro"))
