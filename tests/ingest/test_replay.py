"""What is published again, how fast, and where a replay that was interrupted goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from exposure.contracts.analytics_table import CONTRACT
from exposure.contracts.orders import CONTRACT as ORDERS
from exposure.ingest.replay import REPLAY_OF, Pace, Replay, Replayed, ReplayPlan, ReplayReport
from exposure.ingest.replay_cursor import CursorMismatch, ReplayCursor
from exposure.warehouse.quarantine import Position, Quarantined, Selection
from fakes.messages import event
from fakes.turned_clock import TurnedClock

ARRIVED = datetime(2026, 11, 25, 12, tzinfo=UTC)
GOOD = json.dumps(event()).encode()


def aside(number: int, data: bytes = GOOD, attributes: Mapping[str, str] | None = None) -> Quarantined:
    at = ARRIVED + timedelta(seconds=number)
    return Quarantined(
        "WRONG_TYPE", "", data, json.dumps(attributes or {}), "1.0.0", f"m-{number}", ARRIVED, at
    )


class Topic:
    """Keeps what is published; `room` batches at most."""

    def __init__(self, room: int = 1000) -> None:
        self.batches: list[list[Replayed]] = []
        self._room = room

    def publish(self, messages: Sequence[Replayed]) -> None:
        if len(self.batches) >= self._room:
            raise ConnectionError("gone")
        self.batches.append(list(messages))

    @property
    def messages(self) -> list[Replayed]:
        return [one for batch in self.batches for one in batch]


def replay(
    messages: Sequence[Quarantined], topic: Topic | None, plan: ReplayPlan | None = None
) -> ReplayReport:
    plan = plan or ReplayPlan(per_second=1e9)
    return Replay(CONTRACT, topic, plan, lambda _: None).run(messages)


def test_bytes_and_attributes_are_untouched_and_the_first_id_travels_beside_them() -> None:
    topic = Topic()
    replay([aside(1, attributes={"origin": "shop"})], topic)
    assert topic.messages == [Replayed(GOOD, {"origin": "shop", REPLAY_OF: "m-1"})]


def test_a_message_that_failed_again_is_published_once_and_as_the_message_it_was() -> None:
    topic, again = Topic(), {REPLAY_OF: "m-1"}
    report = replay([aside(1), aside(2, attributes=again), aside(3, attributes=again), aside(4)], topic)
    assert [one.attributes[REPLAY_OF] for one in topic.messages] == ["m-1", "m-4"]
    assert (report.seen, report.published, report.repeated) == (4, 2, 2)
    topic = Topic()
    replay([aside(3, attributes=again)], topic)
    assert topic.messages[0].attributes == again


def test_what_would_be_rejected_again_is_counted_and_left() -> None:
    topic = Topic()
    report = replay([aside(1, b"not json"), aside(2), aside(3, b'{"id": 7}')], topic)
    assert [one.data for one in topic.messages] == [GOOD]
    assert report.still_rejected == {"NOT_JSON": 1, "WRONG_TYPE": 1}


def test_force_publishes_what_would_be_rejected_too() -> None:
    topic = Topic()
    replay([aside(1, b"not json")], topic, ReplayPlan(1e9, is_forced=True))
    assert [one.data for one in topic.messages] == [b"not json"]


def test_without_a_topic_all_is_judged_and_nothing_published() -> None:
    report = replay([aside(1), aside(2, b"{")], None)
    assert (report.published, report.still_rejected) == (1, {"NOT_JSON": 1})


def test_a_message_with_as_many_attributes_as_pubsub_takes_is_published_without_one_more() -> None:
    topic, many = Topic(), {f"a{number}": "" for number in range(100)}
    replay([aside(1, attributes=many)], topic)
    assert topic.messages[0].attributes == many


def test_batches_hold_no_more_than_a_request_may() -> None:
    topic = Topic()
    large = json.dumps(event(data="x" * 1_500_000)).encode()
    replay([aside(number, large) for number in range(5)] + [aside(9)] * 1, topic)
    assert [len(batch) for batch in topic.batches] == [2, 2, 2]
    topic = Topic()
    replay([aside(number) for number in range(1200)], topic)
    assert [len(batch) for batch in topic.batches] == [500, 500, 200]


def test_the_rate_is_kept_over_any_number_of_batches() -> None:
    clock = TurnedClock()
    begun = clock.now
    topic, plan = Topic(), ReplayPlan(per_second=20)
    pace = Pace(20, clock=clock, sleep=clock.turn)
    Replay(CONTRACT, topic, plan, lambda _: None, pace).run([aside(number) for number in range(101)])
    assert max(len(batch) for batch in topic.batches) == 20
    assert clock.now - begun == pytest.approx(5.0)


def test_what_is_settled_when_the_topic_goes_away_has_been_published() -> None:
    topic, settled = Topic(room=2), list[Position | None]()
    replaying = Replay(
        CONTRACT, topic, ReplayPlan(per_second=10, is_forced=True),
        lambda report: settled.append(report.position), Pace(1e9),
    )  # fmt: skip
    with pytest.raises(ConnectionError):
        replaying.run([aside(number) for number in range(35)])
    assert settled == [aside(9).position, aside(19).position]
    assert replaying.report.published == 20


def test_a_cursor_is_read_back_as_it_was_saved(tmp_path: Path) -> None:
    cursor = ReplayCursor(tmp_path / "cursor", CONTRACT, "here", Selection(reasons=("B", "A"), since=ARRIVED))
    assert cursor.load() is None
    cursor.save(aside(1).position)
    cursor.save(aside(2).position)
    again = ReplayCursor(tmp_path / "cursor", CONTRACT, "here", Selection(reasons=("A", "B"), since=ARRIVED))
    assert again.load() == aside(2).position
    assert [file.name for file in tmp_path.iterdir()] == ["cursor"]


@pytest.mark.parametrize("other", [
    ("orders", "here", Selection()), ("analytics", "there", Selection()),
    ("analytics", "here", Selection(reasons=("A",))),
    ("analytics", "here", Selection(contract_version="2.0.0")),
    ("analytics", "here", Selection(until=ARRIVED)),
])  # fmt: skip
def test_the_cursor_of_another_replay_is_refused(tmp_path: Path, other: tuple[str, str, Selection]) -> None:
    ReplayCursor(tmp_path / "cursor", CONTRACT, "here", Selection()).save(aside(1).position)
    name, where, selection = other
    contract = ORDERS if name == "orders" else CONTRACT
    with pytest.raises(CursorMismatch, match="is the cursor of another replay"):
        ReplayCursor(tmp_path / "cursor", contract, where, selection).load()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"ingest_time": 1, "message_id": 1, "replay": {}}', "\x00"]
)
def test_a_file_that_is_no_cursor_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    file = tmp_path / "cursor"
    file.write_text(text)
    with pytest.raises(CursorMismatch, match="is no cursor of a replay"):
        ReplayCursor(file, CONTRACT, "here", Selection()).load()
    assert file.read_text() == text
