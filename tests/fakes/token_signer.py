"""A stand-in for Google: signs push tokens with keys made on the spot and publishes its certificates."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

ACCOUNT = "push@local.iam.gserviceaccount.com"
AUDIENCE = "https://ingest.example"
ISSUER = "https://accounts.google.com"


@functools.cache
def private_key(key_id: str) -> RSAPrivateKey:
    """Return the key of that id, made once per process because making one takes a while."""
    del key_id
    return generate_private_key(public_exponent=65537, key_size=2048)


def claims(now: float, **changes: Any) -> dict[str, Any]:
    """Return what a right token says, an hour valid from now on; None removes a claim."""
    said = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": int(now),
        "exp": int(now) + 3600,
        "email": ACCOUNT,
        "email_verified": True,
        "sub": "1234567890",
    } | changes
    return {name: value for name, value in said.items() if value is not None}


def sign(said: Mapping[str, Any], key_id: str = "one", signed_by: str | None = None) -> str:
    """Return the header `Bearer ...` of a token that names `key_id`, signed by that key or another."""
    key = private_key(signed_by or key_id)
    return f"Bearer {jwt.encode(dict(said), key, algorithm='RS256', headers={'kid': key_id})}"


class CertificateServer:
    """Publishes the keys named in `key_ids`; counts the fetches. `open` holds answers back while clear."""

    def __init__(self, *key_ids: str) -> None:
        self.key_ids = list(key_ids) or ["one"]
        self.status = 200
        self.max_age = 600
        self.cache_control = f"public, max-age={self.max_age}"
        self.body: bytes | None = None
        self.fetches = 0
        self.open = asyncio.Event()
        self.open.set()
        self.asked = asyncio.Event()
        self.url = ""
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> CertificateServer:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/certs"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.fetches += 1
        self.asked.set()
        await self.open.wait()
        body = self.body if self.body is not None else self._certificates()
        head = f"HTTP/1.1 {self.status} x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        writer.write(f"{head}Cache-Control: {self.cache_control}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    def _certificates(self) -> bytes:
        keys = []
        for key_id in self.key_ids:
            public = jwt.algorithms.RSAAlgorithm.to_jwk(private_key(key_id).public_key(), as_dict=True)
            keys.append({**public, "kid": key_id, "alg": "RS256", "use": "sig"})
        return json.dumps({"keys": keys}).encode()
