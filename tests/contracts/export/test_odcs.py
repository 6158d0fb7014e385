from __future__ import annotations

import json
from datetime import timedelta
from importlib import resources
from typing import Any

import jsonschema
import pytest
from open_data_contract_standard.model import OpenDataContractStandard

from exposure.contracts.catalog import CATALOG
from exposure.contracts.export.odcs import Deployment, contract_document
from exposure.contracts.model import Column, Contract, ServiceLevel
from exposure.contracts.types import Scalar
from exposure.warehouse.bigquery_schema import STANDARD_SQL_TYPES
from fakes.declarations import EVENT_TIME, declared, with_every_scalar

CLOUD = Deployment("prod", "example-prod", "https://api.example.com/")
LAPTOP = Deployment("local", "local", "http://127.0.0.1:8080", database=".exposure/warehouse.duckdb")
# Read as a file: the package's own json_schema() uses a deprecated way to open it.
STANDARD = jsonschema.Draft201909Validator(
    json.loads(resources.files("open_data_contract_standard").joinpath("schema.json").read_text("utf-8")),
    format_checker=jsonschema.FormatChecker(),
)
# Nested no deeper than `orders`: the time the standard's schema takes doubles with each level.
EVERY_CONTRACT = pytest.mark.parametrize(
    "contract", [*CATALOG, with_every_scalar()], ids=lambda one: one.name
)
# Keys of v3.2, which the packaged schema knows and a document of v3.1.0 may not have.
NEWER_KEYS = {"vendor", "semanticType", "enum", "context", "map", "synonyms"}


def named(entries: list[dict[str, Any]], name: str, by: str = "name") -> dict[str, Any]:
    return next(entry for entry in entries if entry[by] == name)


def custom(entry: dict[str, Any]) -> dict[str, Any]:
    return {one["property"]: one["value"] for one in entry.get("customProperties", [])}


def columns(contract: Contract) -> list[dict[str, Any]]:
    properties: list[dict[str, Any]] = contract_document(contract, CLOUD)["schema"][0]["properties"]
    return properties


def keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value) - {"examples"} | set().union(
            *(keys(inner) for name, inner in value.items() if name != "examples")
        )
    return set().union(*(keys(inner) for inner in value)) if isinstance(value, list) else set()


@EVERY_CONTRACT
@pytest.mark.parametrize("deployment", [CLOUD, LAPTOP], ids=lambda one: one.environment)
def test_the_document_is_valid_by_the_standards_own_schema(
    contract: Contract, deployment: Deployment
) -> None:
    document = json.loads(json.dumps(contract_document(contract, deployment)))
    assert [error.message for error in STANDARD.iter_errors(document)] == []


@EVERY_CONTRACT
def test_the_document_survives_a_round_trip_through_the_standards_model(contract: Contract) -> None:
    document = contract_document(contract, CLOUD)
    text = OpenDataContractStandard(**document).to_yaml()
    read = OpenDataContractStandard.from_string(text)
    assert read.model_dump(exclude_unset=True, by_alias=True) == document


@EVERY_CONTRACT
def test_the_document_uses_no_key_newer_than_the_version_it_names(contract: Contract) -> None:
    document = contract_document(contract, CLOUD)
    assert document["apiVersion"] == "v3.1.0"
    assert not keys(document) & NEWER_KEYS


def test_the_id_follows_from_the_name_alone() -> None:
    first, changed = declared(), declared(version="2.0.0", description="Other.")
    assert contract_document(first, CLOUD)["id"] == contract_document(changed, LAPTOP)["id"]
    other = declared(name="clicks")
    assert contract_document(other, CLOUD)["id"] != contract_document(first, CLOUD)["id"]


def test_the_id_of_the_missions_contract_never_changes() -> None:
    document = contract_document(CATALOG.get("analytics_table"), CLOUD)
    assert document["id"] == "20ab2e61-837d-5db4-a431-c540682161f1"


def test_key_event_time_and_clustering_are_marked() -> None:
    properties = columns(CATALOG.get("orders"))
    key, event_time = named(properties, "order_id"), named(properties, "placed_at")
    assert (key["primaryKey"], key["primaryKeyPosition"], key["unique"]) == (True, 1, True)
    assert (event_time["partitioned"], event_time["partitionKeyPosition"]) == (True, 1)
    assert custom(event_time) == {"partitionGranularity": "DAY"}
    assert custom(key) == {"clusterKeyPosition": 1}
    assert custom(named(properties, "customer_id")) == {"clusterKeyPosition": 2}


def test_a_string_key_may_not_be_empty_and_an_integer_key_is_as_any_integer() -> None:
    text, number = columns(declared()), columns(declared(columns=(Column("id", Scalar.INTEGER), EVENT_TIME)))
    assert named(text, "id")["logicalTypeOptions"] == {"minLength": 1, "maxLength": 256}
    assert named(number, "id")["logicalTypeOptions"] == {"format": "i64"}


def test_what_may_be_null_is_not_required() -> None:
    properties = columns(CATALOG.get("orders"))
    assert named(properties, "paid")["required"] is True
    assert named(properties, "weight_kg")["required"] is False


def test_objects_and_arrays_are_described_down_to_their_fields() -> None:
    properties = columns(CATALOG.get("orders"))
    items = named(properties, "items")
    assert items["physicalType"] == "ARRAY<STRUCT<sku STRING, quantity INT64, unit_price NUMERIC>>"
    assert [field["name"] for field in items["items"]["properties"]] == ["sku", "quantity", "unit_price"]
    assert named(named(properties, "shipping")["properties"], "city")["examples"] == ["Madrid"]


def test_physical_types_are_those_the_table_is_made_with() -> None:
    for column in columns(with_every_scalar()):
        if column["name"].startswith("plain_"):
            scalar = Scalar(column["name"].removeprefix("plain_"))
            assert column["physicalType"] == STANDARD_SQL_TYPES[scalar]


def test_a_decimal_tells_its_precision_beside_what_else_is_said_of_its_column() -> None:
    properties = columns(CATALOG.get("orders"))
    assert custom(named(properties, "total")) == {"precision": 38, "scale": 9}


def test_the_columns_the_platform_adds_are_described_and_tagged() -> None:
    added = [column["name"] for column in columns(declared()) if column.get("tags") == ["platform"]]
    assert added == ["_message_id", "_publish_time", "_ingest_time", "_extra"]


def test_the_service_level_is_told_in_the_standards_words() -> None:
    level = ServiceLevel(availability_goal=0.999, latency=timedelta(milliseconds=250), latency_goal=0.9)
    contract = declared(service_level=level, retention=timedelta(days=30))
    promises = contract_document(contract, CLOUD)["slaProperties"]
    told = {one["property"]: (one["value"], one["unit"], custom(one).get("goal")) for one in promises}
    assert told == {
        "availability": (99.9, "percent", None),
        "responseTime": (250, "ms", 0.9),
        "latency": (60, "s", 0.99),
        "retention": (30, "d", None),
    }
    assert named(promises, "latency", by="property")["element"] == "visits.at"


def test_rows_kept_for_ever_have_no_retention() -> None:
    document = contract_document(declared(), CLOUD)
    assert "retention" not in {one["property"] for one in document["slaProperties"]}
    assert "customProperties" not in document["schema"][0]


def test_the_servers_are_the_deployments_topic_warehouse_and_api() -> None:
    topic, warehouse, api = contract_document(declared(), CLOUD)["servers"]
    assert (topic["type"], topic["project"], custom(topic)) == (
        "pubsub",
        "example-prod",
        {"topic": "visits-topic"},
    )
    assert (warehouse["type"], warehouse["dataset"]) == ("bigquery", "web_dataset")
    assert api["location"] == "https://api.example.com/v1/visits"


def test_on_a_laptop_the_warehouse_is_a_duckdb_file() -> None:
    warehouse = contract_document(declared(), LAPTOP)["servers"][1]
    assert (warehouse["type"], warehouse["schema"]) == ("duckdb", "web_dataset")


def test_the_owner_is_the_team() -> None:
    assert contract_document(declared(), CLOUD)["team"] == {"name": "web"}
