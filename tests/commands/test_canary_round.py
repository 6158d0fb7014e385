"""Rounds of canaries in a world of a test's making: what each fault is called, what is unaccounted for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

import pytest

from exposure.clock import now
from exposure.commands.api_pages import ApiRefused, ApiUnreachable
from exposure.commands.canary_round import Result
from exposure.commands.pubsub_connection import PublishFailed
from exposure.contracts.analytics_table import CONTRACT as EVENTS
from exposure.contracts.canary import CANARY_MARK, reserved_keys
from exposure.contracts.model import Column, Contract
from exposure.contracts.orders import CONTRACT as ORDERS
from exposure.contracts.types import Array, Scalar
from exposure.ingest.message import Message
from exposure.ingest.validate import MessageValidator
from fakes.canary_sky import Sky
from fakes.declarations import EVENT_TIME, declared

NUMBERED = declared(columns=(Column("id", Scalar.INTEGER), EVENT_TIME, Column("tags", Array(Scalar.STRING))))


def test_a_row_that_is_served_once_as_published_is_visible_and_as_old_as_it_took() -> None:
    sky = Sky(delay_seconds=3)
    [event, order] = sky.rounds(EVENTS, ORDERS).fly()
    assert (event.contract, order.contract) == (EVENTS, ORDERS)
    assert {event.result, order.result} == {Result.VISIBLE}
    assert 3 <= event.age_seconds <= 4
    assert not event.detail


@pytest.mark.parametrize("contract", [EVENTS, ORDERS, NUMBERED], ids=lambda one: one.name)
def test_what_is_published_is_a_row_of_its_contract_with_a_reserved_key_and_its_mark(
    contract: Contract,
) -> None:
    sky = Sky()
    for _ in range(20):
        sky.rounds(contract).fly()
    keys = set()
    for published, message, attributes in sky.published:
        data = json.dumps(message).encode()
        row = MessageValidator(published).validate(Message("1", data, attributes, now()), now())
        assert isinstance(row, tuple), row
        key = message[published.key]
        assert reserved_keys(contract)(key)
        assert attributes == {CANARY_MARK: str(key)}
        keys.add(key)
    assert len(keys) == 20


def test_a_question_names_the_key_and_bounds_the_event_time_so_that_one_partition_is_read() -> None:
    sky = Sky()
    sky.rounds(ORDERS).fly()
    [question] = sky.questions
    [(_, message, _)] = sky.published
    assert question["order_id.eq"] == message["order_id"]
    assert question["placed_at.gte"] < str(message["placed_at"]) < question["placed_at.lte"]


def test_a_row_that_never_appears_is_missing_after_its_time_and_unaccounted_for() -> None:
    sky = Sky(serve=lambda _: [])
    rounds = sky.rounds(EVENTS)
    [sighting] = rounds.fly()
    assert sighting.result is Result.MISSING
    assert 60 <= sighting.age_seconds <= 64
    assert rounds.ledger.unaccounted(EVENTS) == 1


def test_a_row_that_appears_twice_is_told_so() -> None:
    rounds = Sky(serve=lambda message: [message, message]).rounds(EVENTS)
    [sighting] = rounds.fly()
    assert sighting.result is Result.TWICE
    assert sighting.detail == "the API has 2 rows of this key"
    assert rounds.ledger.unaccounted(EVENTS) == 0


def test_a_row_that_differs_is_told_by_its_column_and_not_by_its_value() -> None:
    sky = Sky(serve=lambda message: [message | {"currency": "XXX"}])
    [sighting] = sky.rounds(ORDERS).fly()
    assert sighting.result is Result.CHANGED
    assert sighting.detail == "'currency' is not what was published"


def test_a_row_without_one_of_its_columns_differs() -> None:
    sky = Sky(serve=lambda message: [{name: message[name] for name in message if name != "data"}])
    [sighting] = sky.rounds(EVENTS).fly()
    assert sighting.result is Result.CHANGED


@pytest.mark.parametrize("silence", [ApiUnreachable("no API"), ApiRefused(503, ["unavailable"])])
def test_an_api_that_does_not_answer_leaves_the_row_unanswered_and_nothing_unaccounted(
    silence: Exception,
) -> None:
    rounds = Sky(asking=silence).rounds(EVENTS)
    [sighting] = rounds.fly()
    assert sighting.result is Result.UNANSWERED
    assert sighting.detail == str(silence)
    assert rounds.ledger.unaccounted(EVENTS) == 0


def test_an_api_that_is_down_for_a_moment_is_asked_again() -> None:
    sky = Sky(asking=ApiUnreachable("not yet"))
    sleep = sky.sleep

    def mend(seconds: float) -> None:
        sleep(seconds)
        if sky.now > 20:
            sky.asking = None

    sky.sleep = mend  # type: ignore[method-assign]
    [sighting] = sky.rounds(EVENTS).fly()
    assert sighting.result is Result.VISIBLE


def test_a_topic_that_takes_nothing_leaves_its_canary_unpublished_and_the_others_flying() -> None:
    sky = Sky()
    publish = sky.publish

    def only_orders(contract: Contract, data: bytes, attributes: Mapping[str, str]) -> None:
        if contract is EVENTS:
            raise PublishFailed("there is no topic")
        publish(contract, data, attributes)

    sky.publish = only_orders  # type: ignore[method-assign]
    rounds = sky.rounds(EVENTS, ORDERS)
    [event, order] = rounds.fly()
    assert (event.result, event.detail) == (Result.UNPUBLISHED, "there is no topic")
    assert order.result is Result.VISIBLE
    assert rounds.ledger.unaccounted(EVENTS) == 0


def test_a_row_that_arrives_late_is_accounted_for_in_the_round_that_sees_it() -> None:
    sky = Sky(delay_seconds=90)
    rounds = sky.rounds(EVENTS)
    [first] = rounds.fly()
    assert first.result is Result.MISSING
    assert rounds.ledger.unaccounted(EVENTS) == 1
    sky.delay_seconds = 0
    [second] = rounds.fly()
    assert second.result is Result.VISIBLE
    assert rounds.ledger.unaccounted(EVENTS) == 0


def test_what_is_lost_stays_unaccounted_for_in_every_later_round() -> None:
    sky = Sky(serve=lambda _: [])
    rounds = sky.rounds(EVENTS, ORDERS)
    rounds.fly()
    sky.serve = lambda message: [message]
    lost = [str(message[contract.key]) for contract, message, _ in sky.published]
    rows = sky.rows
    sky.rows = lambda contract, parameters: (  # type: ignore[method-assign]
        [] if dict(parameters)[f"{contract.key}.eq"] in lost else rows(contract, parameters)
    )
    for _ in range(3):
        assert [one.result for one in rounds.fly()] == [Result.VISIBLE, Result.VISIBLE]
        assert [rounds.ledger.unaccounted(one) for one in (EVENTS, ORDERS)] == [1, 1]


def test_what_is_in_quarantine_is_accounted_for_although_it_is_not_visible() -> None:
    sky = Sky(serve=lambda _: [])
    rounds = sky.rounds(EVENTS)
    rounds.fly()
    sky.set_aside = {str(message["id"]) for _, message, _ in sky.published}
    assert rounds.fly()[0].result is Result.MISSING
    assert rounds.ledger.unaccounted(EVENTS) == 1
    sky.set_aside |= {str(message["id"]) for _, message, _ in sky.published}
    sky.serve = lambda message: [message]
    rounds.fly()
    assert rounds.ledger.unaccounted(EVENTS) == 0


def test_those_that_are_lost_do_not_keep_a_late_one_from_being_found() -> None:
    sky = Sky(serve=lambda _: [])
    rounds = sky.rounds(EVENTS, within=timedelta(seconds=1))
    for _ in range(25):
        rounds.fly()
    last = sky.published[-1][1]["id"]
    sky.serve = lambda message: [message] if message["id"] == last else []
    for _ in range(3):
        rounds.fly()
    assert rounds.ledger.unaccounted(EVENTS) == 24 + 3


def test_a_canary_that_nobody_answered_for_counts_once_the_api_says_it_has_none() -> None:
    sky = Sky(asking=ApiUnreachable("no API"))
    rounds = sky.rounds(EVENTS)
    rounds.fly()
    assert rounds.ledger.unaccounted(EVENTS) == 0
    sky.asking, sky.serve = None, lambda _: []
    rounds.fly()
    assert rounds.ledger.unaccounted(EVENTS) == 2


def test_a_round_ends_soon_after_its_time_however_slow_the_answers_are() -> None:
    sky = Sky(serve=lambda _: [], asking_seconds=5)
    sky.rounds(EVENTS, ORDERS, within=timedelta(seconds=10)).fly()
    assert sky.now < 40
