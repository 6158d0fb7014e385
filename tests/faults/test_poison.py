"""What bad messages do to the good ones beside them, at every share, in virtual time."""

from __future__ import annotations

import asyncio

import pytest

from exposure.contracts.analytics_table import CONTRACT
from exposure.ingest.outcome import Outcome
from exposure.ingest.pipeline import Guards
from exposure.ingest.rejection_breaker import RejectionLimits
from fakes.jumping_clock import in_virtual_time
from fakes.pushed_road import PushedRoad, bad, good
from faults.test_outage import subscription_of
from stacks.plan import settings_of

_SECONDS = 60
_A_SECOND = 100
_FEED = settings_of("prod").feed


def _travelled(bad_a_second: int, good_a_second: int, limits: RejectionLimits) -> PushedRoad:
    """Return the road after a minute of so many messages a second of both kinds."""
    roads: list[PushedRoad] = []

    @in_virtual_time
    async def travel() -> None:
        roads.append(PushedRoad(subscription_of(_FEED), Guards(limits)))
        await _travel(roads[0], bad_a_second, good_a_second)

    travel()
    return roads[0]


async def _travel(road: PushedRoad, bad_a_second: int, good_a_second: int) -> None:

    async def publish() -> None:
        for second in range(_SECONDS):
            # Mixed, so that every append and every moment has both.
            first = second * (bad_a_second + good_a_second)
            for number in range(bad_a_second + good_a_second):
                is_bad = number * bad_a_second % (bad_a_second + good_a_second) < bad_a_second
                road.publish([bad(first + number) if is_bad else good(first + number)])
                await asyncio.sleep(1 / (bad_a_second + good_a_second))

    await asyncio.gather(publish(), road.deliver(_SECONDS + 2))


def _good_of_the_first_half(road: PushedRoad) -> int:
    """Return how many rows were stored while as many were still to come."""
    half = _SECONDS / 2
    return sum(one.outcome is Outcome.STORED and one.at < half for one in road.answers)


@pytest.mark.parametrize(("bad_a_second", "good_a_second"), [(5, 95), (100, 100), (100, 0)])
def test_each_bad_message_is_delivered_once_and_no_message_waits_for_another(
    bad_a_second: int, good_a_second: int
) -> None:
    # All bad is what the breaker is there to doubt; here it is known to be so.
    road = _travelled(bad_a_second, good_a_second, RejectionLimits(share=1))
    assert set(road.deliveries.values()) == {1}
    assert road.backlog() == 0
    assert len(road.sink.rows.get(CONTRACT.name, ())) == good_a_second * _SECONDS
    assert len(road.sink.rows[CONTRACT.quarantine_table]) == bad_a_second * _SECONDS
    assert road.oldest(0, _SECONDS / 2) < 1
    assert road.oldest(_SECONDS / 2, _SECONDS) < 1


def test_good_messages_keep_nine_tenths_of_their_rate_among_as_many_bad_ones() -> None:
    alone = _travelled(0, _A_SECOND, RejectionLimits())
    among = _travelled(_A_SECOND, _A_SECOND, RejectionLimits())
    assert _good_of_the_first_half(among) >= 0.9 * _good_of_the_first_half(alone)


def test_a_topic_that_seems_all_poison_is_held_back_at_the_pace_of_its_retries() -> None:
    limits = RejectionLimits()
    road = _travelled(_A_SECOND, 0, limits)
    aside = len(road.sink.rows[CONTRACT.quarantine_table])
    assert limits.least <= aside <= limits.least + _A_SECOND
    assert road.dead == []
    assert road.backlog() == _A_SECOND * _SECONDS - aside
    # Ten seconds at least between two attempts at one message, twice as long each time.
    assert max(road.deliveries.values()) <= 4
