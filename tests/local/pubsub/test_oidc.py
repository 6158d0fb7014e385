"""The tokens of pushes, and the certificates they are verified with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from exposure.ingest.token import PushIdentity, TokenVerifier
from exposure.local.pubsub.certificates import CertificateServer
from exposure.local.pubsub.oidc import TokenSigner
from exposure.local.pubsub.storage import DataFileBroken
from fakes.turned_clock import START, TurnedClock

ACCOUNT, AUDIENCE = "push@local.iam.gserviceaccount.com", "http://127.0.0.1:8081"


@pytest.fixture
def signer(tmp_path: Path, clock: TurnedClock) -> TokenSigner:
    return TokenSigner(tmp_path, clock)


@pytest.fixture
async def certificates(signer: TokenSigner) -> AsyncIterator[CertificateServer]:
    server = CertificateServer(signer, 0)
    await server.start()
    yield server
    await server.stop()


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def test_a_token_has_the_claims_of_a_google_token(signer: TokenSigner) -> None:
    claims = claims_of(signer.token(ACCOUNT, AUDIENCE))
    assert claims["iss"] == "https://accounts.google.com"
    assert (claims["aud"], claims["email"], claims["email_verified"]) == (AUDIENCE, ACCOUNT, True)
    assert (claims["iat"], claims["exp"]) == (START, START + 3600)
    assert claims["sub"] == claims["azp"] != ""


def test_a_token_is_used_again_until_it_is_near_its_end(signer: TokenSigner, clock: TurnedClock) -> None:
    first = signer.token(ACCOUNT, AUDIENCE)
    clock.turn(3000)
    assert signer.token(ACCOUNT, AUDIENCE) == first
    clock.turn(1)
    assert claims_of(signer.token(ACCOUNT, AUDIENCE))["exp"] == START + 3001 + 3600


def test_accounts_and_audiences_have_tokens_of_their_own(signer: TokenSigner) -> None:
    tokens = {signer.token(account, to) for account in (ACCOUNT, "b@c.d") for to in (AUDIENCE, "http://x")}
    assert len(tokens) == 4


def test_the_key_outlives_a_restart_and_only_its_owner_reads_it(tmp_path: Path, signer: TokenSigner) -> None:
    assert TokenSigner(tmp_path, lambda: START).certificates() == signer.certificates()
    assert (tmp_path / "push-key.pem").stat().st_mode & 0o777 == 0o600


def test_a_power_cut_while_the_key_is_written_does_not_break_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "push-key.new").write_bytes(b"-----BEGIN PRIV")
    first = TokenSigner(tmp_path, lambda: START)
    assert TokenSigner(tmp_path, lambda: START).certificates() == first.certificates()


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PRIVATE KEY-----\nMIIE", b"no key at all"])
def test_a_broken_key_is_told_in_one_sentence_with_the_way_out(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "push-key.pem").write_bytes(content)
    with pytest.raises(DataFileBroken, match=r"push-key\.pem holds no private RSA key; delete it, and"):
        TokenSigner(tmp_path, lambda: START)


def test_a_key_of_another_kind_is_no_key(tmp_path: Path) -> None:
    pem = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "push-key.pem").write_bytes(pem)
    with pytest.raises(DataFileBroken, match="holds no private RSA key"):
        TokenSigner(tmp_path, lambda: START)


async def test_the_served_certificates_verify_a_token(
    signer: TokenSigner, certificates: CertificateServer
) -> None:
    async with httpx2.AsyncClient() as client:
        answer = await client.get(certificates.url)
    assert answer.headers["cache-control"] == "public, max-age=3600"
    token = signer.token(ACCOUNT, AUDIENCE)
    key = jwt.PyJWKSet.from_dict(answer.json())[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(
        token,
        key,
        algorithms=["RS256"],
        audience=AUDIENCE,
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["email"] == ACCOUNT


async def test_ingest_verifies_a_token_with_the_code_of_production(
    signer: TokenSigner, certificates: CertificateServer, clock: TurnedClock
) -> None:
    verifier = TokenVerifier(PushIdentity(ACCOUNT, AUDIENCE, certificates.url), clock=clock)
    await verifier.verify(f"Bearer {signer.token(ACCOUNT, AUDIENCE)}")
    await verifier.close()


async def test_any_other_path_is_not_found(certificates: CertificateServer) -> None:
    async with httpx2.AsyncClient() as client:
        answer = await client.get(certificates.url.removesuffix("certs"))
    assert answer.status_code == 404


async def test_a_client_that_leaves_without_a_request_disturbs_nobody(
    certificates: CertificateServer,
) -> None:
    port = int(certificates.url.split(":")[2].split("/")[0])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    await writer.wait_closed()
    async with httpx2.AsyncClient() as client:
        assert (await client.get(certificates.url)).status_code == 200
