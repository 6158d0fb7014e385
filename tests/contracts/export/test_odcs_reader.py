from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from exposure.contracts.catalog import CATALOG
from exposure.contracts.export.odcs import Deployment, contract_document
from exposure.contracts.export.odcs_reader import UnreadableContract, read_contract
from exposure.contracts.model import Contract, ServiceLevel
from exposure.contracts.rules import WrongDeclaration
from exposure.contracts.unknown_fields import UnknownFields
from fakes.declarations import declared, with_every_type

LOCAL = Deployment("local", "local", "http://127.0.0.1:8080", database=".exposure/warehouse.duckdb")
CLOUD = Deployment("prod", "some-project", "https://api.example.com")
LEVEL = ServiceLevel(0.9995, timedelta(milliseconds=250), 0.99, timedelta(seconds=5), 0.9)
CONTRACTS = [
    *CATALOG,
    with_every_type(),
    declared(service_level=LEVEL, retention=timedelta(days=30), clustered_by=("at", "id")),
    *(declared(unknown_fields=policy) for policy in UnknownFields),
]


@pytest.mark.parametrize("deployment", [LOCAL, CLOUD], ids=["duckdb", "bigquery"])
@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_an_exported_contract_is_read_back_as_it_was_declared(
    contract: Contract, deployment: Deployment
) -> None:
    document = json.loads(json.dumps(contract_document(contract, deployment)))
    assert read_contract(document) == contract


def test_the_policy_that_every_contract_has_is_not_exported() -> None:
    kept = contract_document(declared(), LOCAL)
    rejected = contract_document(declared(unknown_fields=UnknownFields.REJECT), LOCAL)
    assert "unknownFields" not in json.dumps(kept)
    assert {"property": "unknownFields", "value": "reject"} in rejected["customProperties"]


def _without(name: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: document.pop(name)


def _retyped(physical: str) -> Callable[[dict[str, Any]], object]:
    return lambda document: document["schema"][0]["properties"][0].update(physicalType=physical)


@pytest.mark.parametrize("change", [
    _without("schema"), _without("name"), _without("servers"), _without("slaProperties"),
    _without("customProperties"), _retyped("GEOGRAPHY"), _retyped("ARRAY<STRING>"),
    lambda document: document["schema"].append({}),
    lambda document: document["schema"][0]["properties"][0].pop("primaryKey"),
    lambda document: document["customProperties"].append({"property": "unknownFields", "value": "burn"}),
])  # fmt: skip
def test_a_document_of_another_make_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    document = copy.deepcopy(contract_document(declared(), LOCAL))
    change(document)
    with pytest.raises(UnreadableContract):
        read_contract(document)


@pytest.mark.parametrize("document", [None, [], "text", {}, 7])
def test_what_is_no_document_at_all_is_refused(document: object) -> None:
    with pytest.raises(UnreadableContract, match="exposure contract export --format odcs"):
        read_contract(document)


def test_a_declaration_that_cannot_be_is_refused_as_such() -> None:
    document = contract_document(dataclasses.replace(declared()), LOCAL)
    with pytest.raises(WrongDeclaration, match="version 'one'"):
        read_contract(document | {"version": "one"})
