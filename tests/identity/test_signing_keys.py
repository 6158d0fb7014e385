"""When certificates are fetched, and what happens while they cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from exposure.identity.claims import ClaimsVerifier, InvalidToken
from exposure.identity.signing_keys import KeysUnavailable
from fakes.token_signer import CertificateServer, claims, sign
from fakes.turned_clock import TurnedClock


def signed(said: Mapping[str, Any], key_id: str = "one", signed_by: str | None = None) -> str:
    """Return the token alone."""
    return sign(said, key_id, signed_by).removeprefix("Bearer ")


async def test_a_hundred_first_requests_fetch_the_certificates_once(
    verifier: ClaimsVerifier, google: CertificateServer, clock: TurnedClock
) -> None:
    tokens = [signed(claims(clock(), sub=str(number))) for number in range(100)]
    await asyncio.gather(*(verifier.claims(token) for token in tokens))
    assert google.fetches == 1


async def test_certificates_are_fetched_again_when_their_time_has_passed(
    verifier: ClaimsVerifier, google: CertificateServer, clock: TurnedClock
) -> None:
    await verifier.claims(signed(claims(clock(), sub="a")))
    clock.turn(google.max_age - 1)
    await verifier.claims(signed(claims(clock(), sub="b")))
    assert google.fetches == 1
    clock.turn(1)
    await verifier.claims(signed(claims(clock(), sub="c")))
    assert google.fetches == 2


async def test_a_new_key_is_fetched_when_it_is_first_seen(
    verifier: ClaimsVerifier, google: CertificateServer, clock: TurnedClock
) -> None:
    await verifier.claims(signed(claims(clock())))
    google.key_ids = ["one", "two"]
    clock.turn(11)
    await verifier.claims(signed(claims(clock()), "two"))
    assert google.fetches == 2


async def test_a_withdrawn_key_serves_no_longer(
    verifier: ClaimsVerifier, google: CertificateServer, clock: TurnedClock
) -> None:
    await verifier.claims(signed(claims(clock())))
    google.key_ids = ["two"]
    clock.turn(google.max_age)
    with pytest.raises(InvalidToken, match="unknown key"):
        await verifier.claims(signed(claims(clock())))


async def test_a_flood_of_invented_key_ids_causes_one_fetch(
    verifier: ClaimsVerifier, google: CertificateServer, clock: TurnedClock
) -> None:
    await verifier.claims(signed(claims(clock())))
    clock.turn(11)
    for number in range(50):
        with pytest.raises(InvalidToken, match="unknown key"):
            await verifier.claims(signed(claims(clock()), f"invented-{number}", signed_by="two"))
    assert google.fetches == 2


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b""),
        (302, b""),
        (200, b"not json"),
        (200, b"[]"),
        (200, b"{}"),
        (200, b'{"keys": []}'),
        (200, b"null"),
    ],
)
async def test_without_certificates_a_request_must_come_again(
    verifier: ClaimsVerifier, google: CertificateServer, clock: TurnedClock, status: int, body: bytes
) -> None:
    google.status, google.body = status, body
    with pytest.raises(KeysUnavailable):
        await verifier.claims(signed(claims(clock())))
    google.status, google.body = 200, None
    clock.turn(1)
    await verifier.claims(signed(claims(clock())))


async def test_an_address_where_nobody_listens_makes_certificates_unavailable(
    verifier: ClaimsVerifier, google: CertificateServer, clock: TurnedClock
) -> None:
    await google.__aexit__(None, None, None)
    with pytest.raises(KeysUnavailable):
        await verifier.claims(signed(claims(clock())))


async def test_a_hundred_requests_wait_for_one_failing_fetch(
    verifier: ClaimsVerifier, google: CertificateServer, clock: TurnedClock
) -> None:
    google.status = 500
    tokens = [signed(claims(clock(), sub=str(number))) for number in range(100)]
    outcomes = await asyncio.gather(*(verifier.claims(token) for token in tokens), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {KeysUnavailable}
    assert google.fetches == 1


async def test_a_known_key_outlives_its_time_by_an_hour_while_no_newer_can_be_had(
    verifier: ClaimsVerifier, google: CertificateServer, clock: TurnedClock
) -> None:
    await verifier.claims(signed(claims(clock())))
    google.status = 500
    clock.turn(google.max_age + 3599)
    await verifier.claims(signed(claims(clock())))
    clock.turn(1)
    with pytest.raises(KeysUnavailable):
        await verifier.claims(signed(claims(clock())))


async def test_whether_an_unknown_key_exists_is_not_decided_while_certificates_cannot_be_had(
    verifier: ClaimsVerifier, google: CertificateServer, clock: TurnedClock
) -> None:
    await verifier.claims(signed(claims(clock())))
    google.status = 500
    clock.turn(11)
    with pytest.raises(KeysUnavailable):
        await verifier.claims(signed(claims(clock()), "two"))
    await verifier.claims(signed(claims(clock(), sub="other")))


async def test_a_request_that_goes_away_does_not_end_the_fetch_for_the_others(
    verifier: ClaimsVerifier, google: CertificateServer, clock: TurnedClock
) -> None:
    google.open.clear()
    first = asyncio.create_task(verifier.claims(signed(claims(clock(), sub="a"))))
    second = asyncio.create_task(verifier.claims(signed(claims(clock(), sub="b"))))
    await google.asked.wait()
    first.cancel()
    google.open.set()
    await second
    assert google.fetches == 1


async def test_closing_gives_up_a_fetch_under_way(
    verifier: ClaimsVerifier, google: CertificateServer, clock: TurnedClock
) -> None:
    google.open.clear()
    waiting = asyncio.create_task(verifier.claims(signed(claims(clock()))))
    await google.asked.wait()
    await verifier.close()
    google.open.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_without_a_max_age_certificates_serve_for_an_hour(
    verifier: ClaimsVerifier, google: CertificateServer, clock: TurnedClock
) -> None:
    google.cache_control = "public"
    await verifier.claims(signed(claims(clock())))
    clock.turn(3599)
    await verifier.claims(signed(claims(clock())))
    clock.turn(1)
    await verifier.claims(signed(claims(clock())))
    assert google.fetches == 2
