"""Signs push tokens as Google does, with a key of this server's own.

Ingest verifies them with the code that runs in production; only the address of the certificates differs.
Claims: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions#jwt_format.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from exposure.local.pubsub.key_file import load_or_make
from exposure.local.pubsub.storage import DataFileBroken

_LIFETIME_SECONDS = 3600
# A token is renewed well before it ends, so none expires on its way.
_RENEWED_SECONDS = 3000
_ISSUER = "https://accounts.google.com"


class TokenSigner:
    """Holds the key, which a restart keeps, and the tokens that are still good.

    Raises DataFileBroken when the file of the key holds none.
    """

    def __init__(self, data_dir: Path, clock: Callable[[], float]) -> None:
        self._key = _key_of(data_dir / "push-key.pem")
        self._clock = clock
        public = self._key.public_key()
        self._jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(public))
        self._jwk |= {"alg": "RS256", "use": "sig", "kid": _fingerprint(public)}
        self._tokens: dict[tuple[str, str], tuple[float, str]] = {}

    def token(self, email: str, audience: str) -> str:
        """Return a token of the account for the audience; the same one while it is fresh."""
        made, token = self._tokens.get((email, audience), (0.0, ""))
        now = self._clock()
        if not token or now - made > _RENEWED_SECONDS:
            token = self._sign(email, audience, int(now))
            self._tokens[email, audience] = (now, token)
        return token

    def certificates(self) -> dict[str, object]:
        """Return the public key as a JSON Web Key Set."""
        return {"keys": [self._jwk]}

    def _sign(self, email: str, audience: str, now: int) -> str:
        subject = str(int(hashlib.sha256(email.encode()).hexdigest()[:15], 16))
        claims = {
            "iss": _ISSUER,
            "aud": audience,
            "azp": subject,
            "sub": subject,
            "email": email,
            "email_verified": True,
            "iat": now,
            "exp": now + _LIFETIME_SECONDS,
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": self._jwk["kid"]})


def _key_of(path: Path) -> rsa.RSAPrivateKey:
    broken = DataFileBroken(
        f"{path} holds no private RSA key; delete it, and the next start makes a new one, for new push tokens"
    )
    try:
        key = serialization.load_pem_private_key(load_or_make(path, _new_key), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise broken from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise broken
    return key


def _new_key() -> bytes:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _fingerprint(key: rsa.RSAPublicKey) -> str:
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:40]
