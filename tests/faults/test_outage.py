"""Ten minutes without a warehouse at a hundred messages a second, subscribed as in prod, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from exposure.contracts.analytics_table import CONTRACT
from exposure.local.pubsub.wire import Subscription
from exposure.telemetry import names
from fakes.jumping_clock import in_virtual_time
from fakes.pushed_road import PushedRoad, good
from stacks.alerts import _ERROR_RATE
from stacks.config import FeedSettings
from stacks.message_alerts import _QUARANTINED_SHARE, _UNPROCESSED_SECONDS
from stacks.plan import settings_of

_DOWN_AT, _UP_AT, _END = 120.0, 720.0, 1140.0
_A_SECOND, _AT_ONCE = 100, 10
_MINUTE = 60.0
_LEVEL = CONTRACT.service_level
_FEED = settings_of("prod").feed


def subscription_of(feed: FeedSettings) -> Subscription:
    """Return the push subscription as the stacks declare it."""
    config = Subscription(name="one", topic="topic", ack_deadline_seconds=feed.ack_deadline_seconds)
    config.retry_policy.minimum_backoff.seconds = feed.first_retry_seconds
    config.retry_policy.maximum_backoff.seconds = feed.last_retry_seconds
    config.dead_letter_policy.dead_letter_topic = "dead"
    config.dead_letter_policy.max_delivery_attempts = feed.max_delivery_attempts
    config.message_retention_duration.seconds = feed.retention_days * 86_400
    return config


class Alarms:
    """What each alert's condition says of a road, minute by minute."""

    def __init__(self, road: PushedRoad) -> None:
        self._road = road

    def unprocessed(self) -> list[float]:
        """Return the minutes' ends at which the oldest message was too old."""
        return [at for at in _minutes() if self._road.oldest(at - _MINUTE, at) > _UNPROCESSED_SECONDS]

    def errors(self) -> list[float]:
        """Return those at which too many pushes of five minutes were answered 5xx."""

        def share(at: float) -> float:
            answers = [one for one in self._road.answers if at - 5 * _MINUTE <= one.at < at]
            failed = sum(not one.outcome.acknowledges for one in answers)
            return failed / max(len(answers), 1)

        return [at for at in _minutes() if share(at) > _ERROR_RATE]

    def stale(self) -> list[float]:
        """Return those in whose minute rows became durable later than the contract promises."""
        promised = _LEVEL.freshness.total_seconds()
        return [
            at
            for at in _minutes()
            for line in self._road.journal.of(names.APPEND_EVENT, at - _MINUTE, at)
            if line["freshness_seconds"] > promised
        ]

    def quarantine(self) -> list[float]:
        """Return those at which too large a share of ten minutes was quarantined."""

        def share(at: float) -> float:
            aside = len(self._road.journal.of(names.QUARANTINE_EVENT, at - 10 * _MINUTE, at))
            lines = self._road.journal.of(names.APPEND_EVENT, at - 10 * _MINUTE, at)
            return aside / max(aside + sum(int(line["rows"]) for line in lines), 1)

        return [at for at in _minutes() if share(at) > _QUARANTINED_SHARE]


def _minutes() -> list[float]:
    return [_MINUTE * number for number in range(1, int(_END / _MINUTE) + 1)]


async def _publish(road: PushedRoad) -> None:
    for number in range(0, int(_A_SECOND * _END), _AT_ONCE):
        road.publish(good(one) for one in range(number, number + _AT_ONCE))
        await asyncio.sleep(_AT_ONCE / _A_SECOND)


async def _fail(road: PushedRoad) -> None:
    await asyncio.sleep(_DOWN_AT)
    road.sink.down = True
    await asyncio.sleep(_UP_AT - _DOWN_AT)
    road.sink.down = False


@pytest.fixture(scope="module")
def road() -> PushedRoad:
    """Return the road after a quiet while, the outage, and as long again."""
    roads: list[PushedRoad] = []

    @in_virtual_time
    async def travel() -> None:
        roads.append(PushedRoad(subscription_of(_FEED)))
        await asyncio.gather(_publish(roads[0]), _fail(roads[0]), roads[0].deliver(_END + 2))

    travel()
    return roads[0]


def test_no_good_message_becomes_a_dead_letter_or_is_lost_in_an_outage(road: PushedRoad) -> None:
    stored = {row[0] for row in road.sink.rows[CONTRACT.name]}
    assert road.dead == []
    assert road.backlog() == 0
    assert len(stored) == len(road.deliveries) == _A_SECOND * _END
    assert list(road.sink.rows) == [CONTRACT.name]


def test_recovery_takes_no_longer_than_the_outage(road: PushedRoad) -> None:
    late = [at for at, age in road.ages if age > _LEVEL.freshness.total_seconds()]
    assert max(late) <= _UP_AT + (_UP_AT - _DOWN_AT)


def test_an_outage_is_told_by_the_age_of_messages_and_by_errors_within_minutes_and_until_it_is_over(
    road: PushedRoad,
) -> None:
    alarms = Alarms(road)
    unprocessed, errors = alarms.unprocessed(), alarms.errors()
    assert _DOWN_AT + _UNPROCESSED_SECONDS <= min(unprocessed) <= _DOWN_AT + _UNPROCESSED_SECONDS + _MINUTE
    assert _DOWN_AT < min(errors) <= _DOWN_AT + 2 * _MINUTE
    assert max(unprocessed + errors) < _END
    assert road.journal.of(names.APPEND_FAILED_EVENT, _DOWN_AT, _UP_AT)


def test_stale_rows_cost_freshness_when_they_arrive(road: PushedRoad) -> None:
    assert min(Alarms(road).stale()) == _UP_AT + _MINUTE


def test_an_outage_is_no_alarm_about_the_data(road: PushedRoad) -> None:
    assert Alarms(road).quarantine() == []


def test_nothing_is_told_of_a_quiet_road(road: PushedRoad) -> None:
    alarms = Alarms(road)
    told = alarms.unprocessed() + alarms.errors() + alarms.stale() + alarms.quarantine()
    assert [at for at in told if at <= _DOWN_AT] == []
    assert road.journal.of(names.APPEND_FAILED_EVENT, 0, _DOWN_AT) == []
