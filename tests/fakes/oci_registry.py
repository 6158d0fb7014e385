"""A small registry of images on loopback, as the OCI distribution specification 1.1 has it.

It holds what it is given to the specification: digests must be right, a manifest may name only what is there,
and nobody comes in without the token. `knows_referrers` is false for one from before 1.1.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "a-registry-token"
INDEX = "application/vnd.oci.image.index.v1+json"


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class OciRegistry:
    """The registry's content; `asked` is every call that was let in, in its order."""

    def __init__(self, *, knows_referrers: bool = True) -> None:
        self.knows_referrers = knows_referrers
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.asked: list[str] = []
        self.host = ""

    def push_image(self) -> str:
        """Put an image there and return its digest."""
        config, layer = b'{"architecture":"amd64"}', b"a layer"
        for blob in (config, layer):
            self.blobs[digest(blob)] = blob
        kind = "application/vnd.oci.image.manifest.v1+json"
        parts = {"config": config, "layers": layer}
        manifest = {"schemaVersion": 2, "mediaType": kind} | {
            name: {"mediaType": "application/octet-stream", "digest": digest(one), "size": len(one)}
            for name, one in parts.items()
        }
        manifest["layers"] = [manifest["layers"]]
        content = json.dumps(manifest).encode()
        self.manifests[digest(content)] = (kind, content)
        return digest(content)

    def referrers(self, subject: str) -> list[dict[str, Any]]:
        """Return descriptors of the manifests that name the subject."""
        found = []
        for reference, (kind, content) in self.manifests.items():
            manifest = json.loads(content)
            if reference.startswith("sha256:") and manifest.get("subject", {}).get("digest") == subject:
                found.append(
                    {"mediaType": kind, "digest": reference, "size": len(content)}
                    | {"artifactType": manifest["artifactType"]}
                )
        return found

    def document(self, manifest_digest: str) -> bytes:
        """Return the one content of an attached manifest."""
        (layer,) = json.loads(self.manifests[manifest_digest][1])["layers"]
        return self.blobs[layer["digest"]]


class _Call(BaseHTTPRequestHandler):
    registry: OciRegistry

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the server's name
        """Say nothing."""

    def _route(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._answer(401)
        split = urlsplit(self.path)
        self.registry.asked.append(f"{self.command} {split.path}")
        match = re.fullmatch(r"/v2/project/images/service/(blobs|manifests|referrers)/(.+)", split.path)
        if match is None:
            return self._answer(404)
        kind, reference = match.groups()
        calls = {"blobs": self._blobs, "manifests": self._manifests, "referrers": self._referrers}
        return calls[kind](reference, parse_qs(split.query), body)

    do_GET = do_HEAD = do_POST = do_PUT = _route  # noqa: N815 - the server's names

    def _blobs(self, reference: str, query: dict[str, list[str]], body: bytes) -> None:
        if self.command == "POST" and reference == "uploads/":
            return self._answer(202, {"Location": "/v2/project/images/service/blobs/uploads/1?state=x"})
        if self.command == "PUT" and reference == "uploads/1" and query.get("state") == ["x"]:
            (named,) = query["digest"]
            if named != digest(body):
                return self._answer(400)
            self.registry.blobs[named] = body
            return self._answer(201, {"Location": f"/v2/project/images/service/blobs/{named}"})
        found = self.registry.blobs.get(reference)
        return self._answer(404) if found is None else self._answer(200, {}, found)

    def _manifests(self, reference: str, query: dict[str, list[str]], body: bytes) -> None:
        if self.command == "PUT":
            return self._put(reference, body)
        found = self.registry.manifests.get(reference)
        if found is None:
            return self._answer(404)
        return self._answer(200, {"Content-Type": found[0]}, found[1])

    def _put(self, reference: str, body: bytes) -> None:
        manifest = json.loads(body)
        named = [*manifest.get("layers", []), *([manifest["config"]] if "config" in manifest else [])]
        known = all(one["digest"] in self.registry.blobs for one in named) and all(
            one["digest"] in self.registry.manifests for one in manifest.get("manifests", [])
        )
        if not known or manifest["mediaType"] != self.headers["Content-Type"]:
            return self._answer(400)
        if reference.startswith("sha256:") and reference != digest(body):
            return self._answer(400)
        self.registry.manifests[reference] = (manifest["mediaType"], body)
        subject = manifest.get("subject", {}).get("digest")
        told = {"OCI-Subject": subject} if subject and self.registry.knows_referrers else {}
        return self._answer(201, told)

    def _referrers(self, reference: str, query: dict[str, list[str]], body: bytes) -> None:
        if not self.registry.knows_referrers:
            return self._answer(404)
        listed = {"schemaVersion": 2, "mediaType": INDEX, "manifests": self.registry.referrers(reference)}
        return self._answer(200, {"Content-Type": INDEX}, json.dumps(listed).encode())

    def _answer(self, status: int, fields: dict[str, str] | None = None, body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in (fields or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def served(registry: OciRegistry) -> Iterator[OciRegistry]:
    """Serve the registry on a free port until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Call", (_Call,), {"registry": registry}))
    registry.host = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield registry
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
