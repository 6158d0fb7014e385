"""The form a table has in BigQuery: what `contract export` prints and the infrastructure program creates."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from google.cloud import bigquery

from exposure.contracts import analytics_table, orders
from exposure.contracts.catalog import CATALOG
from exposure.contracts.model import Contract
from exposure.warehouse.bigquery_schema import schema_fields, table_resource
from exposure.warehouse.schema import Table, quarantine_table, rows_table

TABLES = [table for contract in CATALOG for table in (rows_table(contract), quarantine_table(contract))]


def _fields(contract: Contract) -> dict[str, dict[str, object]]:
    return {field["name"]: field for field in schema_fields(rows_table(contract).columns)}


def test_the_missions_table_has_the_missions_columns() -> None:
    assert [(field["name"], field["type"]) for field in schema_fields(analytics_table.CONTRACT.columns)] == [
        ("id", "STRING"),
        ("timestamp", "TIMESTAMP"),
        ("data", "STRING"),
    ]


@pytest.mark.parametrize(
    ("name", "physical", "mode"),
    [
        ("order_id", "STRING", "REQUIRED"),
        ("placed_at", "TIMESTAMP", "REQUIRED"),
        ("customer_id", "INTEGER", "REQUIRED"),
        ("total", "NUMERIC", "REQUIRED"),
        ("weight_kg", "FLOAT", "NULLABLE"),
        ("paid", "BOOLEAN", "REQUIRED"),
        ("deliver_on", "DATE", "NULLABLE"),
        ("shipping", "RECORD", "NULLABLE"),
        ("items", "RECORD", "REPEATED"),
        ("tags", "STRING", "REPEATED"),
        ("context", "JSON", "NULLABLE"),
        ("_message_id", "STRING", "REQUIRED"),
        ("_extra", "JSON", "NULLABLE"),
    ],
)
def test_a_column_has_the_type_and_mode_of_its_declaration(name: str, physical: str, mode: str) -> None:
    field = _fields(orders.CONTRACT)[name]
    assert (field["type"], field["mode"]) == (physical, mode)


def test_the_fields_of_objects_are_described_within_them() -> None:
    items = _fields(orders.CONTRACT)["items"]
    assert items["fields"] == [
        {"name": "sku", "type": "STRING", "mode": "REQUIRED", "description": "Stock-keeping unit."},
        {"name": "quantity", "type": "INTEGER", "mode": "REQUIRED"},
        {
            "name": "unit_price",
            "type": "NUMERIC",
            "mode": "REQUIRED",
            "description": "In the order's currency.",
        },
    ]


def test_a_table_is_partitioned_by_day_clustered_and_expires() -> None:
    resource = table_resource(rows_table(orders.CONTRACT), "some-project")
    assert resource["tableReference"] == {
        "projectId": "some-project",
        "datasetId": "sales_dataset",
        "tableId": "orders",
    }
    assert resource["timePartitioning"] == {
        "type": "DAY",
        "field": "placed_at",
        "expirationMs": str(730 * 24 * 3600 * 1000),
    }
    assert resource["clustering"] == {"fields": ["order_id", "customer_id"]}


def test_a_table_without_retention_keeps_its_partitions() -> None:
    assert "expirationMs" not in table_resource(rows_table(analytics_table.CONTRACT), "p")["timePartitioning"]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_the_client_library_reads_the_form_and_writes_it_back(table: Table) -> None:
    resource = table_resource(table, "some-project")
    read = bigquery.Table.from_api_repr(resource)
    written = read.to_api_repr()
    assert [field.to_api_repr() for field in read.schema] == resource["schema"]["fields"]
    assert {name: written[name] for name in resource if name != "schema"} == {
        name: value for name, value in resource.items() if name != "schema"
    }


def test_the_form_is_made_without_the_client_library() -> None:
    program = (
        "import sys; from exposure.warehouse import bigquery_schema;"
        "print([name for name in sys.modules if name.partition('.')[0] in ('google', 'pyarrow', 'duckdb')])"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(next(path for path in sys.path if path.endswith("src")))},
        capture_output=True,
        check=True,
        text=True,
    )
    # `google` itself is a namespace that site-packages' own .pth files may make.
    assert json.loads(found.stdout.replace("'", '"')) in ([], ["google"])
