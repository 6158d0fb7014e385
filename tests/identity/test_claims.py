"""What a genuine token says, and which tokens are none. How pushes are judged: `ingest/test_token`."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from exposure.identity.claims import ClaimsVerifier, InvalidToken, Signer
from fakes.token_signer import AUDIENCE, ISSUER, CertificateServer, claims, sign
from fakes.turned_clock import TurnedClock


def signed(clock: TurnedClock, **changes: Any) -> str:
    return sign(claims(clock(), **changes)).removeprefix("Bearer ")


async def test_a_genuine_token_says_what_was_signed(verifier: ClaimsVerifier, clock: TurnedClock) -> None:
    said = claims(clock(), tenant=["a", 1])
    assert await verifier.claims(sign(said).removeprefix("Bearer ")) == said


async def test_a_remembered_token_still_says_the_same(
    verifier: ClaimsVerifier, google: CertificateServer, clock: TurnedClock
) -> None:
    token = signed(clock, tenant="a")
    first = await verifier.claims(token)
    google.status = 500
    clock.turn(3599)
    assert await verifier.claims(token) == first
    assert google.fetches == 1


async def test_a_token_that_is_not_valid_yet_is_none(verifier: ClaimsVerifier, clock: TurnedClock) -> None:
    now = int(clock())
    await verifier.claims(signed(clock, nbf=now + 10))
    with pytest.raises(InvalidToken, match="future"):
        await verifier.claims(signed(clock, nbf=now + 11))
    with pytest.raises(InvalidToken, match="no numbers"):
        await verifier.claims(signed(clock, nbf="soon"))


async def test_a_key_on_a_curve_verifies_what_it_has_signed_where_its_algorithm_is_listed(
    google: CertificateServer, clock: TurnedClock
) -> None:
    private = generate_private_key(SECP256R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(private.public_key()))
    google.body = json.dumps({"keys": [{**public, "kid": "curve", "alg": "ES256", "use": "sig"}]}).encode()
    token = jwt.encode(claims(clock()), private, algorithm="ES256", headers={"kid": "curve"})
    for algorithms, is_valid in ((("RS256", "ES256"), True), (("RS256",), False)):
        verifier = ClaimsVerifier(Signer((ISSUER,), AUDIENCE, google.url, algorithms), clock=clock)
        if is_valid:
            assert (await verifier.claims(token))["aud"] == AUDIENCE
        else:
            with pytest.raises(InvalidToken, match="not signed with RS256"):
                await verifier.claims(token)
        await verifier.close()


async def test_a_published_shared_secret_signs_nothing(google: CertificateServer, clock: TurnedClock) -> None:
    secret = "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg"
    google.body = json.dumps({"keys": [{"kty": "oct", "k": secret, "kid": "one", "alg": "HS256"}]}).encode()
    verifier = ClaimsVerifier(Signer((ISSUER,), AUDIENCE, google.url, ("HS256", "RS256")), clock=clock)
    token = jwt.encode(claims(clock()), "x" * 32, algorithm="HS256", headers={"kid": "one"})
    with pytest.raises(InvalidToken):
        await verifier.claims(token)
    await verifier.close()


async def test_a_token_of_a_signer_that_publishes_no_id_of_its_key_is_none(
    verifier: ClaimsVerifier, clock: TurnedClock
) -> None:
    header = jwt.get_unverified_header(signed(clock))
    assert header["kid"] == "one"
    for key_id in (None, 1, ["one"], "nosuch"):
        with pytest.raises(InvalidToken):
            await verifier.claims(_with_key_id(clock, key_id))


def _with_key_id(clock: TurnedClock, key_id: object) -> str:
    _, payload, signature = signed(clock).split(".")
    header = jwt.utils.base64url_encode(json.dumps({"alg": "RS256", "kid": key_id}).encode()).decode()
    return f"{header}.{payload}.{signature}"
