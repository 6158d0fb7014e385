"""Who is known by which credential, and who is sent away, in the same way whatever they ask for."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from duckdb import DuckDBPyConnection

from exposure.api.access.key_file import KeyFile
from exposure.api.access.keys import read_keys, revoke, write_keys
from exposure.api.access.tokens import TokenCallers
from exposure.identity.claims import ClaimsVerifier, Signer
from fakes.guarded_house import NOW, GuardedHouse, basic, guarded_house
from fakes.token_signer import AUDIENCE, ISSUER, CertificateServer, claims, sign

PATHS = (
    "/", "/v1", "/v1/payments", "/v1/payments/pay-acme-1", "/v1/payments:schema", "/v1/ledger", "/v1/nosuch",
    "/openapi.json", "/docs", "/problems/not-found", "/nosuch",
)  # fmt: skip
WRONG_KEY = f"dxp_{'0' * 16}_{'a' * 43}"


@pytest.fixture
async def signer() -> AsyncIterator[CertificateServer]:
    async with CertificateServer() as server:
        yield server


def trusting(signer: CertificateServer) -> TokenCallers:
    return TokenCallers(ClaimsVerifier(Signer((ISSUER,), AUDIENCE, signer.url), clock=NOW.timestamp))


def refusal(answer: httpx2.Response) -> dict[str, Any]:
    """Return what is said to one whose credential does not count."""
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == 'Bearer realm="exposure", error="invalid_token"'
    assert answer.headers["cache-control"] == "no-store"
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == "UNAUTHENTICATED"
    return problem


async def test_a_key_counts_in_its_own_field_and_as_a_bearer_token(house: GuardedHouse) -> None:
    for fields in (
        {"X-API-Key": house.keys["bank"]},
        {"Authorization": f"Bearer {house.keys['bank']}"},
        {"authorization": f"bearer  {house.keys['bank']} "},
    ):
        assert (await house.client.get("/v1/ledger", headers=fields)).status_code == 200


async def test_a_key_does_not_count_in_a_url_where_logs_would_keep_it(house: GuardedHouse) -> None:
    for name in ("api_key", "key", "X-API-Key", "access_token"):
        answer = await house.client.get("/v1/rates", params={name: house.keys["bank"]})
        assert answer.status_code == 400
        assert house.keys["bank"] not in answer.text


@pytest.mark.parametrize("path", PATHS)
async def test_a_key_that_is_none_of_ours_is_refused_whatever_is_asked(
    house: GuardedHouse, path: str
) -> None:
    details = set()
    for fields in (
        {"X-API-Key": WRONG_KEY},
        {"X-API-Key": ""},
        {"X-API-Key": "x"},
        {"X-API-Key": house.keys["bank"][:-1]},
        {"Authorization": f"Bearer {WRONG_KEY}"},
    ):
        details.add(refusal(await house.client.get(path, headers=fields))["detail"])
    assert details == {"the API key is not valid"}
    assert not house.reader.questions


async def test_a_revoked_key_opens_nothing_any_more(
    house: GuardedHouse, tmp_path: Path, vault: DuckDBPyConnection
) -> None:
    (tmp_path / "other").mkdir()
    async with guarded_house(tmp_path / "other", vault, keys=without(house, "bank")) as other:
        answer = await other.client.get("/v1/ledger", headers={"X-API-Key": house.keys["bank"]})
        assert refusal(answer)["detail"] == "the API key has been revoked"
        still = {"X-API-Key": house.keys["open-acme"]}
        assert (await other.client.get("/v1/payments", headers=still)).status_code == 200


def without(house: GuardedHouse, name: str) -> KeyFile:
    """Return the house's keys, the one of that name revoked."""
    kept = read_keys(house.keys_file.read_bytes())
    [key_id] = [key.id for key in kept.keys if key.name == name]
    file = house.keys_file.with_name("revoked.json")
    file.write_bytes(write_keys(revoke(kept, key_id, NOW)))
    return KeyFile(file, lambda: NOW)


async def test_two_credentials_are_refused_even_when_both_are_right(house: GuardedHouse) -> None:
    key = house.keys["bank"]
    for fields in (
        [("X-API-Key", key), ("X-API-Key", key)],
        [("X-API-Key", key), ("Authorization", f"Bearer {key}")],
    ):
        assert "more than one" in refusal(await house.client.get("/v1", headers=fields))["detail"]


async def test_where_no_keys_are_kept_every_key_is_refused(tmp_path: Path, vault: DuckDBPyConnection) -> None:
    async with guarded_house(tmp_path, vault, keys=None) as house:
        refusal(await house.client.get("/v1/rates", headers={"X-API-Key": house.keys["bank"]}))
        assert (await house.client.get("/v1/rates")).status_code == 200


async def test_a_bearer_token_for_whoever_stands_before_us_grants_nothing_and_is_not_refused(
    house: GuardedHouse,
) -> None:
    for field in ("Bearer eyJhbGciOiJSUzI1NiJ9.e30.SIGNATURE_REMOVED", basic("a", "b"), "x"):
        assert (await house.client.get("/v1/rates", headers={"Authorization": field})).status_code == 200
        assert (await house.client.get("/v1/ledger", headers={"Authorization": field})).status_code == 404
    both = {"Authorization": "Bearer eyJ.e30.x", "X-API-Key": house.keys["bank"]}
    assert (await house.client.get("/v1/ledger", headers=both)).status_code == 200


async def test_a_trusted_signers_token_grants_what_it_claims(
    tmp_path: Path, vault: DuckDBPyConnection, signer: CertificateServer
) -> None:
    async with guarded_house(tmp_path, vault, tokens=trusting(signer)) as house:
        said = claims(NOW.timestamp(), scope="own.open", tenant="bolt")
        answer = await house.client.get("/v1/payments", headers={"Authorization": sign(said)})
        assert {row["tenant"] for row in answer.json()["data"]} == {"bolt"}
        both = {"Authorization": sign(said), "X-API-Key": house.keys["bank"]}
        assert "more than one" in refusal(await house.client.get("/v1/payments", headers=both))["detail"]


@pytest.mark.parametrize("field", ["Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Basic YTpi", "x", ""])
async def test_where_a_signer_is_trusted_what_is_no_token_is_refused(
    tmp_path: Path, vault: DuckDBPyConnection, signer: CertificateServer, field: str
) -> None:
    async with guarded_house(tmp_path, vault, tokens=trusting(signer)) as house:
        for path in PATHS[:3]:
            refusal(await house.client.get(path, headers={"Authorization": field}))


async def test_a_token_that_cannot_be_verified_now_is_not_called_wrong(
    tmp_path: Path, vault: DuckDBPyConnection, signer: CertificateServer
) -> None:
    signer.status = 500
    async with guarded_house(tmp_path, vault, tokens=trusting(signer)) as house:
        said = sign(claims(NOW.timestamp()))
        answer = await house.client.get("/v1/rates", headers={"Authorization": said})
        assert (answer.status_code, answer.json()["code"]) == (503, "SIGNER_UNAVAILABLE")
        assert answer.headers["retry-after"]
        assert signer.url not in answer.text


async def test_no_credential_is_ever_logged(
    tmp_path: Path, vault: DuckDBPyConnection, signer: CertificateServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with guarded_house(tmp_path, vault, tokens=trusting(signer)) as house:
        genuine = sign(claims(NOW.timestamp(), scope="bank"))
        forged = sign(claims(NOW.timestamp(), scope="bank"), "one", signed_by="two")
        house.reader.failure = RuntimeError("broken")
        for fields in (
            {"X-API-Key": house.keys["bank"]},
            {"X-API-Key": WRONG_KEY},
            {"Authorization": genuine},
            {"Authorization": forged},
        ):
            await house.client.get("/v1/ledger", headers=fields)
        for secret in (*house.keys.values(), WRONG_KEY, genuine, forged):
            assert secret.removeprefix("Bearer ")[-40:] not in caplog.text
        assert "the API key is not valid" in caplog.text


async def test_every_answer_may_be_kept_by_no_cache_that_mixes_callers_up(house: GuardedHouse) -> None:
    for path in PATHS:
        for key in (None, "bank"):
            answer = await house.get(path, key)
            vary = answer.headers["vary"].lower()
            assert "authorization" in vary, path
            assert "x-api-key" in vary, path
            assert answer.headers["cache-control"], path
