from __future__ import annotations

import pytest

from exposure.loopback import channel_options, is_loopback


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:8080/x",
        "http://localhost",
        "https://[::1]:1/",
        "127.0.0.1:8085",
        "localhost:1",
        "[::1]:2",
    ],
)
def test_an_address_of_this_machine_is_reached_without_a_proxy(address: str) -> None:
    assert is_loopback(address)
    assert channel_options(address) == [("grpc.enable_http_proxy", 0)]


@pytest.mark.parametrize(
    "address", ["https://www.googleapis.com/oauth2/v3/certs", "pubsub:8085", "10.0.0.1:1", "http://[::1", ""]
)
def test_any_other_address_leaves_the_proxies_of_the_environment_alone(address: str) -> None:
    assert not is_loopback(address)
    assert channel_options(address) == []
