"""Whatever is pushed is answered with 4xx or quarantined with its reason: never 500, never lost."""

from __future__ import annotations

import base64
import json

import pytest

from exposure.ingest.rejection import Reason
from exposure.ingest.token import TokenVerifier
from fakes.messages import envelope, event, order, wrapped
from fakes.push_endpoint import PushEndpoint
from fakes.token_signer import claims, sign
from fakes.turned_clock import TurnedClock
from fakes.validated import short

EVENT = json.dumps(event()).encode()


def with_data(value: str) -> bytes:
    return EVENT.replace(b'"hello"', value.encode())


@pytest.fixture
def endpoint() -> PushEndpoint:
    return PushEndpoint()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.NOT_JSON),
        (b"not json", Reason.NOT_JSON),
        (b"\x89PNG\r\n\x1a\n", Reason.NOT_JSON),
        (EVENT[:-1], Reason.NOT_JSON),
        (EVENT + EVENT, Reason.NOT_JSON),
        (with_data("NaN"), Reason.NOT_JSON),
        (with_data("[" * 10_000 + "]" * 10_000).replace(b'"data"', b'"more"'), Reason.TOO_DEEP),
        (with_data('"\\ud83d"'), Reason.INVALID_TEXT),
        (with_data('"a\\u0000b"'), Reason.INVALID_TEXT),
        (EVENT.replace(b"hello", b"\xff"), Reason.INVALID_TEXT),
        (EVENT.replace(b"{", b'{"id": "other", ', 1), Reason.DUPLICATE_FIELD),
        (with_data("7"), Reason.WRONG_TYPE),
        (b'["an", "array"]', Reason.WRONG_TYPE),
        (json.dumps(event(timestamp=None)).encode(), Reason.MISSING_FIELD),
        (b"{}", Reason.MISSING_FIELD),
        (json.dumps(event(id="")).encode(), Reason.MISSING_FIELD),
        (json.dumps(event(timestamp="1990-01-01T00:00:00Z")).encode(), Reason.OUT_OF_RANGE),
        (with_data('"' + "x" * 9_900_000 + '"'), Reason.TOO_LARGE),
    ],
    ids=short,
)
async def test_bad_data_is_quarantined_untouched_with_its_reason(
    endpoint: PushEndpoint, data: bytes, reason: Reason
) -> None:
    answer = await endpoint.push(data, "77")
    assert (answer.status, answer.body) == (204, b"")
    (kept,) = endpoint.quarantined()
    assert (kept["reason"], kept["data"], kept["id"]) == (reason.value, data, "77")
    assert 0 < len(kept["detail"]) <= 1000
    assert endpoint.stored() == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"customer_id": 2**63}, Reason.OUT_OF_RANGE),
        ({"total": "NaN"}, Reason.WRONG_TYPE),
        ({"total": 10**40}, Reason.OUT_OF_RANGE),
        ({"weight_kg": "heavy"}, Reason.WRONG_TYPE),
        ({"items": [{}]}, Reason.MISSING_FIELD),
    ],
    ids=str,
)
async def test_a_bad_order_is_quarantined_with_its_reason(
    endpoint: PushEndpoint, changes: dict[str, object], reason: Reason
) -> None:
    answer = await endpoint.push(json.dumps(order(**changes)).encode(), contract="orders")
    (kept,) = endpoint.quarantined("orders")
    assert (answer.status, kept["reason"]) == (204, reason.value)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[" * 100_000,
        b'{"message": 1}',
        json.dumps(envelope(b"x") | {"message": {"data": "*"}}).encode(),
        wrapped(b"x", message_id=""),
        b'{"message": {"messageId": "1", "publishTime": "2026-11-25T12:00:00Z", "data": "\\ud800"}}',
    ],
    ids=short,
)
async def test_what_is_no_push_envelope_is_a_bad_request(endpoint: PushEndpoint, body: bytes) -> None:
    answer = await endpoint.post(body)
    assert (answer.status, answer.problem["title"]) == (400, "Bad push envelope")
    assert endpoint.writer.appends == []


async def test_wrong_base64_is_a_bad_request_that_says_so(endpoint: PushEndpoint) -> None:
    body = envelope(b"x")
    body["message"]["data"] = base64.b64encode(EVENT).decode() + "!"
    answer = await endpoint.post(json.dumps(body).encode())
    assert answer.status == 400
    assert "Invalid base64 encoded string - at `$.message.data`" in answer.problem["detail"]


async def test_an_unknown_contract_is_not_found_and_its_message_stays_with_pubsub(
    endpoint: PushEndpoint,
) -> None:
    answer = await endpoint.push(EVENT, contract="nothing")
    assert answer.status == 404
    assert "'nothing'" in answer.problem["detail"]


async def test_undeclared_fields_are_stored_beside_the_row(endpoint: PushEndpoint) -> None:
    answer = await endpoint.push(json.dumps(event(more={"n": [1]})).encode())
    assert answer.status == 204
    assert endpoint.stored()[0][-1] == '{"more":{"n": [1]}}'


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("Bearer not.a.token", 401),
        ("forged", 401),
        ("expired", 401),
        ("of another audience", 401),
        ("of a foreign account", 403),
        ("genuine", 204),
    ],
    ids=str,
)
async def test_only_a_genuine_token_of_the_push_account_may_push(
    verifier: TokenVerifier, clock: TurnedClock, header: str | None, status: int
) -> None:
    now = clock()
    tokens = {
        "forged": sign(claims(now), signed_by="two"),
        "expired": sign(claims(now - 7200)),
        "of another audience": sign(claims(now, aud="https://other.example")),
        "of a foreign account": sign(claims(now, email="foreign@example.com")),
        "genuine": sign(claims(now)),
    }
    endpoint = PushEndpoint(verifier)
    if header is not None:
        endpoint.headers = {"authorization": tokens.get(header, header)}
    answer = await endpoint.push(EVENT)
    assert answer.status == status
    assert len(endpoint.stored()) == (status == 204)
