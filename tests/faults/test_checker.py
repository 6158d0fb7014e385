"""The checker itself: it must see each kind of breach, or the schedules prove nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from faults.checker import check
from faults.ledger import Entry, Fate, Ledger
from faults.schedule import event, schedule_of

NOON = datetime(2026, 11, 25, 12, 0, 0, 123456, tzinfo=UTC)
GOOD = Entry("m-1", Fate.TABLE, json.dumps(event("evt-1", data="text", more=1)).encode(), {}, "evt-1")
BAD = Entry("m-2", Fate.QUARANTINE, b"not json", {"a": "b"})


def ledger() -> Ledger:
    made = Ledger()
    for entry in (GOOD, BAD):
        made.publish(entry)
        made.acknowledge(entry.id, is_durable=True)
    return made


def row(**changes: Any) -> dict[str, Any]:
    fields = {"id": "evt-1", "timestamp": NOON, "data": "text", "_message_id": "m-1"}
    return fields | {"_ingest_time": NOON, "_extra": '{"more":1}'} | changes


def aside(**changes: Any) -> dict[str, Any]:
    return {"data": b"not json", "attributes": '{"a":"b"}', "_message_id": "m-2"} | changes


def breaches(ledger: Ledger, rows: list[dict[str, Any]], quarantined: list[dict[str, Any]]) -> str:
    return "; ".join(check(ledger, rows, quarantined).breaches)


def test_a_run_without_fault_has_no_breach() -> None:
    assert breaches(ledger(), [row()], [aside()]) == ""


@pytest.mark.parametrize(("rows", "quarantined", "sentence"), [
    ([], [aside()], "m-1 was acknowledged and is nowhere"),
    ([row()], [], "m-2 was acknowledged and is nowhere"),
    ([], [aside()], "the key evt-1 is not served"),
    ([row(), row(id="evt-9", _message_id="m-9")], [aside()], "m-9 is in the table and was never published"),
    ([row(), row(id="evt-9", _message_id="m-9")], [aside()],
     "the key evt-9 is served and was never published"),
    ([row()], [aside(), aside(_message_id="m-1")], "m-1 belongs in the table and is in the quarantine"),
    ([row(), row(_message_id="m-2")], [aside()], "m-2 belongs in the quarantine and is in the table"),
    ([row(data="other")], [aside()], "m-1 is stored as another row"),
    ([row(_extra=None)], [aside()], "m-1 is stored as another row"),
    ([row(timestamp=NOON + timedelta(microseconds=1))], [aside()], "m-1 is stored as another row"),
    ([row()], [aside(data=b"not  json")], "m-2 is quarantined with other bytes"),
    ([row()], [aside(attributes="{}")], "m-2 is quarantined with other bytes or attributes"),
    ([row(), row()], [aside()], "m-1 is stored 2 times although none of its deliveries failed"),
    ([row()], [aside(), aside()], "m-2 is stored 2 times although none of its deliveries failed"),
])  # fmt: skip
def test_each_breach_is_seen(rows: list[Any], quarantined: list[Any], sentence: str) -> None:
    assert sentence in breaches(ledger(), rows, quarantined)


def test_an_acknowledgement_before_the_row_was_durable_is_a_breach_even_if_it_came_later() -> None:
    book = ledger()
    book.acknowledge("m-1", is_durable=False)
    book.acknowledge("m-1", is_durable=True)
    assert "m-1 was acknowledged before it was durable" in breaches(book, [row()], [aside()])


def test_a_message_that_is_never_acknowledged_is_a_breach() -> None:
    book = ledger()
    book.publish(Entry("m-3", Fate.TABLE, GOOD.data, {}, "evt-1"))
    assert "m-3 was never acknowledged" in breaches(book, [row()], [aside()])


def test_a_row_stored_twice_after_a_failure_is_a_duplicate_and_no_breach() -> None:
    book = ledger()
    book.troubled.add("m-1")
    finding = check(book, [row(), row()], [aside()])
    assert (list(finding.breaches), finding.rows, finding.duplicates) == ([], 2, 1)


def test_a_schedule_is_its_seeds() -> None:
    assert schedule_of(7).entries == schedule_of(7).entries
    assert schedule_of(7).faults == schedule_of(7).faults
    assert schedule_of(7).entries != schedule_of(8).entries
