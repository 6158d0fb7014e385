"""The row that keeps a message which can never be one of its contract."""

from __future__ import annotations

import json
from datetime import timedelta

from exposure.contracts.analytics_table import CONTRACT
from exposure.ingest.message import Message
from exposure.ingest.quarantine import quarantine_row
from exposure.ingest.rejection import Reason, Rejection
from exposure.warehouse.arrow import arrow_schema, record_batch
from exposure.warehouse.schema import QUARANTINE_COLUMNS
from fakes.messages import NOON

ATTRIBUTES = {"origin": "wéb", 'quo"te': "a\nb"}
MESSAGE = Message("77", b"\x00\xff{", ATTRIBUTES, NOON)
ARRIVED = NOON + timedelta(seconds=1)
ROW = quarantine_row(CONTRACT, MESSAGE, Rejection(Reason.NOT_JSON, "byte 0"), ARRIVED)


def test_bytes_and_attributes_are_kept_untouched() -> None:
    named = dict(zip((column.name for column in QUARANTINE_COLUMNS), ROW, strict=True))
    attributes = named.pop("attributes")
    assert isinstance(attributes, str)
    assert json.loads(attributes) == ATTRIBUTES
    assert named == {
        "reason": "NOT_JSON",
        "detail": "byte 0",
        "data": b"\x00\xff{",
        "contract_version": "1.0.0",
        "_message_id": "77",
        "_publish_time": NOON,
        "_ingest_time": ARRIVED,
    }


def test_the_row_fits_the_quarantine_table() -> None:
    assert record_batch(arrow_schema(QUARANTINE_COLUMNS), [ROW]).num_rows == 1
