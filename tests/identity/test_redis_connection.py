"""How the shared store is reached: as Memorystore with IAM and TLS wants it."""

from __future__ import annotations

from typing import Any

from exposure.identity.redis_connection import GoogleTokens, connect_redis

AUTHORITY = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


class Tokens:
    """Credentials whose token is good for one use."""

    def __init__(self) -> None:
        self.valid = False
        self.token: str | None = None
        self.renewals = 0

    def refresh(self, _: Any) -> None:
        self.renewals += 1
        self.token, self.valid = f"token-{self.renewals}", True


async def test_the_password_is_a_google_token_renewed_when_it_has_expired() -> None:
    credentials = Tokens()
    provider = GoogleTokens(credentials)  # type: ignore[arg-type]
    assert await provider.get_credentials_async() == ("token-1",)
    assert await provider.get_credentials_async() == ("token-1",)
    credentials.valid = False
    assert await provider.get_credentials_async() == ("token-2",)


def test_an_authority_is_what_a_certificate_over_tls_is_held_to() -> None:
    client = connect_redis("rediss://10.0.0.2:6379", by_google_token=True, authority=AUTHORITY)
    told = client.connection_pool.connection_kwargs
    assert told["ssl_ca_data"] == AUTHORITY
    assert told["ssl_check_hostname"] is False
    assert isinstance(told["credential_provider"], GoogleTokens)
    assert told["socket_timeout"] == told["socket_connect_timeout"] == 0.1
