"""Callers who prove themselves with a token of a signer we trust: a Google ID token, or any JSON Web Token.

Scopes are the token's `scope` (RFC 8693: words with blanks between, or a list). Google's have none, so a
verified e-mail address is one too: `email:<address>`, and `domain:<hd>` for an account of an organisation.
"""

from __future__ import annotations

from collections.abc import Iterator

from exposure.api.access.caller import Caller, CannotVerify, Known, Unauthenticated
from exposure.contracts.access import Credential
from exposure.identity.claims import Claims, ClaimsVerifier, InvalidToken
from exposure.identity.signing_keys import KeysUnavailable

_SCOPES = "scope"
_MOST_VALUES = 500


class TokenCallers:
    """Knows callers by their tokens."""

    def __init__(self, verifier: ClaimsVerifier) -> None:
        self._verifier = verifier

    async def known(self, credential: str) -> Known:
        """Return whom the token names, as long as it is remembered as verified.

        Raises Unauthenticated or CannotVerify.
        """
        try:
            claims = await self._verifier.claims(credential)
        except InvalidToken as error:
            raise Unauthenticated(str(error)) from error
        except KeysUnavailable as error:
            raise CannotVerify(str(error)) from error
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise Unauthenticated("the token names no subject")
        texts = tuple((name, values) for name, value in claims.items() if (values := _texts(value)))
        name = f"token:{claims['iss']}:{subject}"
        caller = Caller(name, Credential.TOKEN, frozenset(_scopes(claims)), texts)
        return Known(caller, self._verifier.remembering(credential))

    async def close(self) -> None:
        """Close the connection the signer's keys are fetched over."""
        await self._verifier.close()


def _scopes(claims: Claims) -> Iterator[str]:
    said = claims.get(_SCOPES)
    for scope in said.split() if isinstance(said, str) else _texts(said):
        # What we conclude ourselves nobody can claim.
        if not scope.startswith(("email:", "domain:")):
            yield scope
    if claims.get("email_verified") is True:
        for kind, claim in (("email", "email"), ("domain", "hd")):
            value = claims.get(claim)
            if isinstance(value, str) and value:
                yield f"{kind}:{value}"


def _texts(value: object) -> tuple[str, ...]:
    """Return the values of a claim as a URL writes them; none when it is no value and no list of such."""
    values = value if isinstance(value, list) else [value]
    texts = [_text(one) for one in values]
    if len(texts) > _MOST_VALUES or None in texts:
        return ()
    return tuple(text for text in texts if text is not None)


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int) else None
