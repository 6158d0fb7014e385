from __future__ import annotations

import dataclasses

import pytest

from exposure.contracts.model import EXTRA, INGEST_TIME, MESSAGE_ID, PUBLISH_TIME
from fakes.declarations import EVENT_TIME, KEY, declared, with_every_type


def test_stored_columns_are_the_declared_ones_and_then_the_systems() -> None:
    assert declared().stored_columns == (KEY, EVENT_TIME, MESSAGE_ID, PUBLISH_TIME, INGEST_TIME, EXTRA)


def test_a_column_is_found_by_its_name_the_systems_among_them() -> None:
    assert declared().column("at") is EVENT_TIME
    assert declared().column("_extra") is EXTRA


def test_a_name_no_stored_column_has_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        declared().column("nothing")


def test_the_key_column_is_the_one_named_by_key() -> None:
    assert declared().key_column is KEY


def test_a_contract_cannot_be_changed_after_it_was_checked() -> None:
    contract = declared()
    with pytest.raises(dataclasses.FrozenInstanceError):
        contract.key = "other"  # type: ignore[misc]


def test_equal_declarations_are_equal_and_hash_alike() -> None:
    assert with_every_type() == with_every_type()
    assert hash(with_every_type()) == hash(with_every_type())
