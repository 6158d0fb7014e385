"""Whose request it is for the rate limit, whatever the client writes."""

from __future__ import annotations

import pytest
from starlette.types import Scope

from exposure.api.access.client_address import client_address


def request(peer: str | None, *forwarded: str) -> Scope:
    fields = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    return {"type": "http", "client": None if peer is None else (peer, 1), "headers": fields}


def test_without_trusted_proxies_it_is_who_called() -> None:
    assert client_address(request("9.9.9.9", "1.1.1.1"), 0) == "9.9.9.9"


@pytest.mark.parametrize(
    ("forwarded", "proxies", "expected"),
    [
        (["1.1.1.1"], 1, "1.1.1.1"),
        (["6.6.6.6, 1.1.1.1"], 1, "1.1.1.1"),
        (["6.6.6.6", "1.1.1.1"], 1, "1.1.1.1"),
        (["6.6.6.6, 1.1.1.1, 35.0.0.1"], 2, "1.1.1.1"),
        (["6.6.6.6,1.1.1.1", "35.0.0.1"], 2, "1.1.1.1"),
    ],
)
def test_behind_proxies_it_is_the_address_the_outermost_of_them_saw(
    forwarded: list[str], proxies: int, expected: str
) -> None:
    assert client_address(request("10.0.0.1", *forwarded), proxies) == expected


@pytest.mark.parametrize(
    "forged", ["7.7.7.7", "7.7.7.7, 8.8.8.8", "", ", ,", "rubbish", "é" * 50, "127.0.0.1"]
)
def test_what_a_client_writes_into_the_field_changes_nothing(forged: str) -> None:
    # The proxy appends the address it was called from, in the same field or in one of its own.
    assert client_address(request("10.0.0.1", f"{forged}, 1.1.1.1"), 1) == "1.1.1.1"
    assert client_address(request("10.0.0.1", forged, "1.1.1.1"), 1) == "1.1.1.1"


def test_a_request_that_passed_no_proxy_is_its_senders_own() -> None:
    assert client_address(request("9.9.9.9"), 1) == "9.9.9.9"
    assert client_address(request("9.9.9.9", "1.1.1.1"), 2) == "9.9.9.9"


def test_what_is_no_address_is_its_senders_own() -> None:
    assert client_address(request("9.9.9.9", "unknown"), 1) == "9.9.9.9"
    assert client_address(request(None), 0) == "unknown"
    assert client_address(request("a/unix.socket"), 0) == "unknown"


def test_addresses_of_one_ipv6_network_are_one_client() -> None:
    one, two = (client_address(request(peer), 0) for peer in ("2001:db8::1", "2001:db8::ffff:2"))
    assert one == two == "2001:db8::/64"
    assert client_address(request("2001:db8:0:1::1"), 0) != one


def test_an_ipv4_address_is_the_same_however_it_is_written() -> None:
    assert client_address(request("::ffff:1.1.1.1"), 0) == "1.1.1.1"
