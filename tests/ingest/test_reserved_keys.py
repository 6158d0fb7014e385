"""Keys that are the platform's own canaries': a producer's row with one is set aside, not hidden."""

from __future__ import annotations

from exposure.contracts.analytics_table import CONTRACT
from exposure.contracts.canary import CANARY_MARK, LEAST_INTEGER_KEY, new_canary_key
from exposure.contracts.model import Column
from exposure.contracts.types import Scalar
from exposure.ingest.message import Message, decode_push
from exposure.ingest.outcome import Outcome
from exposure.ingest.pipeline import Pipeline
from exposure.ingest.rejection import Reason, Rejection
from exposure.ingest.validate import MessageValidator
from exposure.warehouse.schema import quarantine_table, rows_table
from fakes.declarations import EVENT_TIME, declared
from fakes.messages import NOON, event, message, wrapped
from fakes.recording_writer import RecordingWriter

KEY = str(new_canary_key(CONTRACT))


def marked(one: Message) -> Message:
    return Message(one.id, one.data, {CANARY_MARK: KEY}, one.publish_time)


async def test_a_producers_row_with_a_canarys_key_is_quarantined_whole_with_its_reason() -> None:
    writer = RecordingWriter()
    published = message(event(id=KEY))
    outcome = await Pipeline(CONTRACT, writer, clock=lambda: NOON).handle(published)
    assert outcome is Outcome.QUARANTINED
    [row] = writer.stored(quarantine_table(CONTRACT).name)
    assert row[0] == Reason.RESERVED_KEY
    assert row[2] == published.data
    assert not writer.stored(rows_table(CONTRACT).name)


async def test_a_canarys_own_message_goes_the_way_of_every_other() -> None:
    writer = RecordingWriter()
    outcome = await Pipeline(CONTRACT, writer, clock=lambda: NOON).handle(marked(message(event(id=KEY))))
    assert outcome is Outcome.STORED
    [row] = writer.stored(rows_table(CONTRACT).name)
    assert row[0] == KEY


def test_the_mark_makes_nothing_of_any_other_key() -> None:
    validator = MessageValidator(CONTRACT)
    plain, with_mark = message(event()), marked(message(event()))
    assert validator.validate(plain, NOON) == validator.validate(with_mark, NOON)


def test_whole_numbers_far_below_zero_are_reserved_where_keys_are_numbers() -> None:
    numbered = declared(columns=(Column("id", Scalar.INTEGER), EVENT_TIME))
    validator = MessageValidator(numbered)

    def judged(key: int) -> object:
        return validator.validate(message({"id": key, "at": "2026-11-25T12:00:00Z"}), NOON)

    refused = judged(LEAST_INTEGER_KEY - 1)
    assert isinstance(refused, Rejection)
    assert refused.reason is Reason.RESERVED_KEY
    assert refused.detail == "`$.id` is a key that only the platform's own canaries have"
    assert not isinstance(judged(LEAST_INTEGER_KEY), Rejection)


def test_many_messages_are_judged_as_each_alone() -> None:
    validator = MessageValidator(CONTRACT)
    plain = [message(event(id=f"evt-{number}"), str(number)) for number in range(5)]
    for odd in (message(event(id=KEY), "6"), marked(message(event(id=KEY), "6"))):
        together = validator.validate_all([*plain, odd], NOON)
        assert list(together) == [validator.validate(one, NOON) for one in (*plain, odd)]


def test_the_mark_survives_both_forms_of_a_push() -> None:
    data = b"{}"
    envelope = decode_push({}, wrapped(data, attributes={CANARY_MARK: KEY}))
    bare = decode_push(
        {
            b"x-goog-pubsub-message-id": b"1",
            b"x-goog-pubsub-publish-time": b"2026-11-25T12:00:00Z",
            CANARY_MARK.encode(): KEY.encode(),
        },
        data,
    )
    assert envelope.attributes[CANARY_MARK] == bare.attributes[CANARY_MARK] == KEY
