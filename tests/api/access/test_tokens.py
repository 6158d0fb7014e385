"""Callers who come with a signer's token. The signer is a stand-in on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from exposure.api.access.caller import CannotVerify, Unauthenticated
from exposure.api.access.tokens import TokenCallers
from exposure.contracts.access import Credential
from exposure.identity.claims import ClaimsVerifier, Signer
from fakes.token_signer import AUDIENCE, ISSUER, CertificateServer, claims, private_key, sign
from fakes.turned_clock import TurnedClock


@pytest.fixture
async def callers(google: CertificateServer, clock: TurnedClock) -> AsyncIterator[TokenCallers]:
    callers = TokenCallers(ClaimsVerifier(Signer((ISSUER,), AUDIENCE, google.url), clock=clock))
    yield callers
    await callers.close()


def token(clock: TurnedClock, **changes: Any) -> str:
    return sign(claims(clock(), **changes)).removeprefix("Bearer ")


async def test_a_token_names_its_caller_by_issuer_and_subject(
    callers: TokenCallers, clock: TurnedClock
) -> None:
    caller = (await callers.known(token(clock, sub="4711"))).caller
    assert (caller.subject, caller.credential) == (f"token:{ISSUER}:4711", Credential.TOKEN)


@pytest.mark.parametrize("said", ["sales stock", " sales  stock ", ["sales", "stock"]], ids=str)
async def test_scopes_are_words_or_a_list(callers: TokenCallers, clock: TurnedClock, said: object) -> None:
    caller = (await callers.known(token(clock, scope=said, email=None))).caller
    assert caller.scopes == {"sales", "stock"}


async def test_a_verified_address_of_a_google_token_is_a_scope_and_so_is_its_domain(
    callers: TokenCallers, clock: TurnedClock
) -> None:
    caller = (await callers.known(token(clock, email="a@example.com", hd="example.com"))).caller
    assert caller.scopes == {"email:a@example.com", "domain:example.com"}


@pytest.mark.parametrize("verified", [False, None, "true", 1], ids=str)
async def test_an_address_that_is_not_verified_grants_nothing(
    callers: TokenCallers, clock: TurnedClock, verified: object
) -> None:
    said = token(clock, email="a@example.com", hd="example.com", email_verified=verified)
    assert (await callers.known(said)).caller.scopes == set()


async def test_nobody_can_claim_a_scope_that_stands_for_an_address(
    callers: TokenCallers, clock: TurnedClock
) -> None:
    said = token(clock, scope="email:boss@example.com domain:example.com sales", email=None)
    assert (await callers.known(said)).caller.scopes == {"sales"}


@pytest.mark.parametrize(
    ("said", "texts"),
    [
        ("acme", ("acme",)),
        (4711, ("4711",)),
        (True, ("true",)),
        (["a", 1, False], ("a", "1", "false")),
        ([], ()),
        ([["a"]], ()),
        (["a", None], ()),
        ({"a": "b"}, ()),
        (1.5, ()),
        (None, ()),
        (["x"] * 501, ()),
    ],
    ids=lambda value: str(value)[:30],
)
async def test_a_claim_is_texts_or_is_not_made(
    callers: TokenCallers, clock: TurnedClock, said: object, texts: tuple[str, ...]
) -> None:
    caller = (await callers.known(token(clock, tenant=said))).caller
    assert caller.claim("tenant") == texts


@pytest.mark.parametrize(
    "changes",
    [{"aud": "https://other"}, {"iss": "https://evil"}, {"exp": 1}, {"sub": None}, {"sub": ""}, {"nbf": 2e9}],
    ids=str,
)
async def test_a_token_that_is_not_for_us_now_is_refused(
    callers: TokenCallers, clock: TurnedClock, changes: dict[str, Any]
) -> None:
    with pytest.raises(Unauthenticated):
        await callers.known(token(clock, **changes))


@pytest.mark.parametrize("text", ["", "a.b.c", "rubbish", "é", "a" * 10_000])
async def test_what_is_no_token_is_refused_without_repeating_it(callers: TokenCallers, text: str) -> None:
    with pytest.raises(Unauthenticated) as refusal:
        await callers.known(text)
    assert not text or text not in str(refusal.value)


async def test_only_listed_algorithms_may_sign(
    callers: TokenCallers, google: CertificateServer, clock: TurnedClock
) -> None:
    for algorithm, key in (("none", None), ("HS256", "x" * 64), ("RS512", private_key("one"))):
        said = jwt.encode(claims(clock()), key, algorithm=algorithm, headers={"kid": "one"})  # type: ignore[arg-type]
        with pytest.raises(Unauthenticated, match="RS256"):
            await callers.known(said)
    assert google.fetches == 0


async def test_a_key_of_another_kind_than_the_algorithm_verifies_nothing(
    google: CertificateServer, clock: TurnedClock
) -> None:
    both = Signer((ISSUER,), AUDIENCE, google.url, ("RS256", "ES256"))
    callers = TokenCallers(ClaimsVerifier(both, clock=clock))
    forged = jwt.encode(
        claims(clock()), generate_private_key(SECP256R1()), algorithm="ES256", headers={"kid": "one"}
    )
    with pytest.raises(Unauthenticated):
        await callers.known(forged)
    await callers.close()


async def test_while_the_keys_cannot_be_had_nobody_is_called_a_forger(
    callers: TokenCallers, google: CertificateServer, clock: TurnedClock
) -> None:
    google.status = 500
    with pytest.raises(CannotVerify):
        await callers.known(token(clock))
