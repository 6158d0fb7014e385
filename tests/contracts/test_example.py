from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from exposure.contracts.catalog import CATALOG
from exposure.contracts.example import example_message
from exposure.contracts.model import Contract
from exposure.ingest.message import Message
from exposure.ingest.rejection import Rejection
from exposure.ingest.validate import MessageValidator
from fakes.declarations import with_every_type

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize("contract", [*CATALOG, with_every_type()], ids=lambda one: one.name)
def test_the_example_of_every_contract_has_every_column_and_becomes_a_row(contract: Contract) -> None:
    message = example_message(contract)
    assert list(message) == [column.name for column in contract.columns]
    data = json.dumps(message).encode()
    row = MessageValidator(contract).validate(Message("1", data, {}, NOW), NOW)
    assert not isinstance(row, Rejection), row
