"""HTTP requests in the service's own name: a session whose token is fetched again before it ends.

For libraries that take a `requests.Session`; a token in a fixed header would be stale after an hour. Who the
service is comes from where it runs: https://cloud.google.com/docs/authentication/application-default-credentials.
That is found out at the first request: a service starts without whatever it sends so.
"""

from __future__ import annotations

from typing import Any

import google.auth
from google.auth.credentials import Credentials
from google.auth.transport.requests import AuthorizedSession

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


def google_session() -> AuthorizedSession:
    """Return the session; its requests raise google.auth's GoogleAuthError when nobody is logged in here."""
    return AuthorizedSession(_OwnCredentials())  # type: ignore[no-untyped-call]


class _OwnCredentials(Credentials):
    """The service's own, looked for when they are first needed."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._found: Any = None

    def refresh(self, request: Any) -> None:
        """Fetch a token."""
        if self._found is None:
            self._found, _ = google.auth.default(scopes=[_SCOPE])
        self._found.refresh(request)
        self.token, self.expiry = self._found.token, self._found.expiry
