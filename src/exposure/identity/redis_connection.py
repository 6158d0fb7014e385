"""A connection to the Redis or Valkey that instances share; in Google Cloud by short-lived tokens over TLS.

It gives up within a tenth of a second: what is shared only makes answers faster or fairer, never possible.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.credentials import CredentialProvider

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

_ANSWER_SECONDS = 0.1
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def connect_redis(url: str, *, by_google_token: bool = False, authority: str | None = None) -> Redis:
    """Return the client, which connects at its first command.

    `url` is redis://host:port or, over TLS, rediss://host:port; `authority` is the PEM of who signed the
    server's certificate. `by_google_token` sends the process's own Google token as the password, as
    Memorystore's IAM authentication wants it.
    """
    options: dict[str, Any] = {
        "socket_timeout": _ANSWER_SECONDS,
        "socket_connect_timeout": _ANSWER_SECONDS,
    }
    if by_google_token:
        options["credential_provider"] = GoogleTokens()
    if authority is not None:
        # Memorystore's certificates name no host: instances are told apart by their own authority.
        options |= {"ssl_ca_data": authority, "ssl_check_hostname": False}
    client: Redis = Redis.from_url(url, **options)
    return client


class GoogleTokens(CredentialProvider):
    """Passwords that are access tokens; renewed when they have expired. Default credentials if none given."""

    def __init__(self, credentials: Credentials | None = None) -> None:
        self._credentials = credentials

    def get_credentials(self) -> tuple[str]:
        """Return the token, which is asked for if there is none that is valid."""
        import google.auth  # noqa: PLC0415 - only where there is such a store
        from google.auth.transport.requests import Request  # noqa: PLC0415

        if self._credentials is None:
            self._credentials, _ = google.auth.default(scopes=[_SCOPE])
        if not self._credentials.valid:
            self._credentials.refresh(Request())  # type: ignore[no-untyped-call]
        return (str(self._credentials.token),)

    async def get_credentials_async(self) -> tuple[str]:
        """Return the token; whoever issues it is asked beside the event loop."""
        return await asyncio.to_thread(self.get_credentials)
