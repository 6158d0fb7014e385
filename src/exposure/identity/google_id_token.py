"""The service's own identity as a token for one audience, as Cloud Run asks for where not anyone gets in.

Who the service is comes from where it runs:
https://cloud.google.com/run/docs/authenticating/service-to-service.
"""

from __future__ import annotations


def google_id_token(audience: str) -> str:
    """Return a token that is good for some minutes at least; raises google.auth's GoogleAuthError."""
    from google.auth.transport.requests import Request  # noqa: PLC0415 - only where such a token is asked for
    from google.oauth2.id_token import fetch_id_token  # noqa: PLC0415

    token: str = fetch_id_token(Request(), audience)  # type: ignore[no-untyped-call]
    return token
