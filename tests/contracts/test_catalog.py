from __future__ import annotations

import pytest

from exposure.contracts.catalog import CATALOG, Catalog, UnknownContract
from exposure.contracts.rules import WrongDeclaration
from exposure.contracts.types import Array, LogicalType, Object, Scalar
from fakes.declarations import declared


def test_two_contracts_of_one_name_are_refused() -> None:
    with pytest.raises(WrongDeclaration, match="two contracts have the name 'visits'; rename one of them"):
        Catalog((declared(), declared(topic="other-topic")))


def test_two_contracts_of_one_topic_are_refused() -> None:
    with pytest.raises(WrongDeclaration, match="two contracts have the topic 'visits-topic'; rename one"):
        Catalog((declared(), declared(name="clicks")))


def test_an_unknown_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(
        UnknownContract, match="there is no contract 'visit'; did you mean 'visits'"
    ) as caught:
        Catalog((declared(),)).get("visit")
    assert caught.value.suggestion == "visits"


def test_a_name_like_none_is_answered_without_a_suggestion() -> None:
    with pytest.raises(UnknownContract, match=r"there is no contract 'xyz'$") as caught:
        Catalog((declared(),)).get("xyz")
    assert caught.value.suggestion is None


def test_contracts_are_listed_in_the_order_of_their_declaration() -> None:
    first, second = declared(), declared(name="clicks", topic="clicks-topic")
    assert list(Catalog((first, second))) == [first, second]


def test_the_first_contract_is_the_missions_table_and_topic() -> None:
    contract = CATALOG.get("analytics_table")
    assert (contract.topic, contract.dataset) == ("data-ingestion-topic", "analytics_dataset")
    assert [(column.name, column.type, column.nullable) for column in contract.columns] == [
        ("id", Scalar.STRING, False),
        ("timestamp", Scalar.TIMESTAMP, False),
        ("data", Scalar.STRING, True),
    ]
    assert (contract.key, contract.event_time) == ("id", "timestamp")


def kinds(logical_type: LogicalType) -> set[str]:
    if isinstance(logical_type, Scalar):
        return {logical_type.value}
    if isinstance(logical_type, Array):
        return {"array"} | kinds(logical_type.of)
    return {"object"}.union(*(kinds(field.type) for field in logical_type.fields))


def test_the_catalog_as_a_whole_uses_every_logical_type_that_can_be_published() -> None:
    used = set[str]().union(*(kinds(column.type) for contract in CATALOG for column in contract.columns))
    assert used == {scalar.value for scalar in Scalar} - {"bytes"} | {"array", "object"}
    assert any(
        isinstance(column.type, Object) and column.nullable for one in CATALOG for column in one.columns
    )
