"""BigQuery's table, DuckDB's table and the decoder are one declaration: columns, order and types."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from exposure.contracts.catalog import CATALOG
from exposure.contracts.model import Contract
from exposure.contracts.sample import SampleOptions, sample_messages
from exposure.contracts.types import Scalar
from exposure.ingest.message import Message
from exposure.ingest.rejection import Rejection
from exposure.ingest.validate import MessageValidator
from exposure.warehouse.arrow import arrow_schema, record_batch
from exposure.warehouse.bigquery_schema import table_resource
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.schema import rows_table
from fakes.declarations import with_every_type

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
# What DuckDB calls what BigQuery's REST API calls so; both keep objects and arrays as their own.
IN_DUCKDB = {
    "STRING": {"VARCHAR"},
    "INTEGER": {"BIGINT"},
    "FLOAT": {"DOUBLE"},
    "NUMERIC": {"DECIMAL(38,9)"},
    "BOOLEAN": {"BOOLEAN"},
    "DATE": {"DATE"},
    "TIMESTAMP": {"TIMESTAMP"},
    "JSON": {"JSON", "VARCHAR"},
}


@pytest.mark.parametrize("contract", [*CATALOG, with_every_type()], ids=lambda contract: contract.name)
def test_both_tables_and_the_decoder_agree(contract: Contract) -> None:
    table = rows_table(contract)
    fields = table_resource(table, "project")["schema"]["fields"]
    connection = open_duckdb(None, [table])
    described = connection.execute(f'DESCRIBE "{table.dataset}"."{table.name}"').fetchall()
    connection.close()
    assert [field["name"] for field in fields] == [row[0] for row in described]
    for field, (name, kind, nullable, *_) in zip(fields, described, strict=True):
        if field["mode"] == "REPEATED":
            assert kind.endswith("[]"), name
        elif field["type"] == "RECORD":
            assert kind.startswith("STRUCT"), name
        else:
            assert kind in IN_DUCKDB[field["type"]], name
            assert (nullable == "YES") is (field["mode"] == "NULLABLE"), name


@pytest.mark.parametrize("contract", [*CATALOG, with_every_type()], ids=lambda contract: contract.name)
def test_what_the_decoder_makes_of_messages_fits_the_table_as_it_is(contract: Contract) -> None:
    validator, columns = MessageValidator(contract), rows_table(contract).columns
    rows = []
    for number, fields in enumerate(sample_messages(contract, SampleOptions(rows=50, seed=3, start=NOON))):
        row = validator.validate(Message(str(number), json.dumps(fields).encode(), {}, NOON), NOON)
        assert not isinstance(row, Rejection), row
        rows.append(row)
    assert {len(row) for row in rows} == {len(columns)}
    batch = record_batch(arrow_schema(columns), rows)
    assert batch.num_rows == 50
    assert [field.name for field in batch.schema] == [column.name for column in columns]
    assert columns[-1].type is Scalar.JSON
