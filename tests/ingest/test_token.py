"""Which tokens may push. The signer is a stand-in for Google on loopback."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from exposure.ingest.token import Forbidden, TokenVerifier, Unauthenticated
from fakes.token_signer import CertificateServer, claims, private_key, sign
from fakes.turned_clock import TurnedClock


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _part(said: dict[str, Any]) -> str:
    return _base64(json.dumps(said).encode())


async def test_a_genuine_token_of_the_push_account_passes(
    verifier: TokenVerifier, clock: TurnedClock
) -> None:
    await verifier.verify(sign(claims(clock())))


async def test_both_of_googles_issuers_pass(verifier: TokenVerifier, clock: TurnedClock) -> None:
    await verifier.verify(sign(claims(clock(), iss="accounts.google.com")))


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "Bearer x", "Bearer a.b.c", "Bearer é.é.é"]
)
async def test_what_is_no_token_is_unauthenticated(verifier: TokenVerifier, header: str) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(header)


async def test_a_forged_signature_is_unauthenticated(verifier: TokenVerifier, clock: TurnedClock) -> None:
    with pytest.raises(Unauthenticated, match="Signature"):
        await verifier.verify(sign(claims(clock()), "one", signed_by="two"))


async def test_a_changed_claim_is_unauthenticated(verifier: TokenVerifier, clock: TurnedClock) -> None:
    header, _, signature = sign(claims(clock())).split(".")
    with pytest.raises(Unauthenticated):
        await verifier.verify(f"{header}.{_part(claims(clock(), exp=int(clock()) + 10**6))}.{signature}")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://other.example"},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"exp": None},
        {"iat": None},
        {"exp": "soon"},
        {"iat": "now"},
        {"iat": float("nan")},
        {"exp": float("inf")},
    ],
    ids=str,
)
async def test_a_wrong_or_missing_claim_is_unauthenticated(
    verifier: TokenVerifier, clock: TurnedClock, changes: dict[str, Any]
) -> None:
    with pytest.raises(Unauthenticated):
        await verifier.verify(sign(claims(clock(), **changes)))


@pytest.mark.parametrize(
    "changes",
    [
        {"email": "other@local.iam.gserviceaccount.com"},
        {"email": None},
        {"email_verified": False},
        {"email_verified": "true"},
        {"email_verified": None},
    ],
    ids=str,
)
async def test_a_genuine_token_of_anybody_else_is_forbidden(
    verifier: TokenVerifier, clock: TurnedClock, changes: dict[str, Any]
) -> None:
    with pytest.raises(Forbidden):
        await verifier.verify(sign(claims(clock(), **changes)))


async def test_clocks_may_differ_by_ten_seconds_and_no_more(
    verifier: TokenVerifier, clock: TurnedClock
) -> None:
    now = int(clock())
    await verifier.verify(sign(claims(now, iat=now + 10)))
    await verifier.verify(sign(claims(now, exp=now - 9)))
    with pytest.raises(Unauthenticated, match="future"):
        await verifier.verify(sign(claims(now, iat=now + 11)))
    with pytest.raises(Unauthenticated, match="expired"):
        await verifier.verify(sign(claims(now, exp=now - 10)))


@pytest.mark.parametrize("algorithm", ["none", "HS256", "RS512"])
async def test_another_algorithm_is_unauthenticated_and_fetches_nothing(
    verifier: TokenVerifier, google: CertificateServer, clock: TurnedClock, algorithm: str
) -> None:
    key: Any = private_key("one") if algorithm == "RS512" else None
    if algorithm == "HS256":
        key = "the secret nobody has, long enough for HS256"
    token = jwt.encode(claims(clock()), key, algorithm=algorithm, headers={"kid": "one"})
    with pytest.raises(Unauthenticated, match="RS256"):
        await verifier.verify(f"Bearer {token}")
    assert google.fetches == 0


async def test_the_public_key_is_no_secret_to_sign_with(verifier: TokenVerifier, clock: TurnedClock) -> None:
    public = private_key("one").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{_part({'alg': 'HS256', 'kid': 'one'})}.{_part(claims(clock()))}"
    signature = hmac.digest(public, signed.encode(), "sha256")
    with pytest.raises(Unauthenticated):
        await verifier.verify(f"Bearer {signed}.{_base64(signature)}")


async def test_a_verified_token_is_remembered_until_it_expires(
    verifier: TokenVerifier, google: CertificateServer, clock: TurnedClock
) -> None:
    token = sign(claims(clock()))
    await verifier.verify(token)
    google.key_ids = ["two"]
    clock.turn(3599)
    await verifier.verify(token)
    assert google.fetches == 1
    clock.turn(11)
    with pytest.raises(Unauthenticated):
        await verifier.verify(token)


async def test_a_refused_token_is_refused_again(verifier: TokenVerifier, clock: TurnedClock) -> None:
    token = sign(claims(clock(), email="other@example.com"))
    for _ in range(2):
        with pytest.raises(Forbidden):
            await verifier.verify(token)


async def test_only_so_many_tokens_are_remembered(
    verifier: TokenVerifier, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("exposure.identity.claims._REMEMBERED_TOKENS", 3)
    for number in range(5):
        await verifier.verify(sign(claims(clock(), sub=str(number))))
    assert len(verifier._claims._verified) == 3
    clock.turn(3601)
    await verifier.verify(sign(claims(clock())))
    assert len(verifier._claims._verified) == 1
