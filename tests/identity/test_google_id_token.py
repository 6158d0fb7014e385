"""The service's own identity token, asked of Google's metadata server, which here is on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

AUDIENCE = "https://api-1.europe-west1.run.app"
SCRIPT = (
    "import sys; from exposure.identity.google_id_token import google_id_token as of; print(of(sys.argv[1]))"
)


class _Metadata(BaseHTTPRequestHandler):
    """Gives whoever says that it knows whom it asks a token for the audience it names."""

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        kind, body = "application/json", b'{"email": "canary@project.iam.gserviceaccount.com", "aliases": []}'
        if asked.path.endswith("/service-accounts/default/identity"):
            [audience] = parse_qs(asked.query)["audience"]
            kind, body = "text/html", jwt.encode({"aud": audience, "exp": 4_000_000_000}, "x" * 32).encode()
        self.send_response(200 if self.headers["Metadata-Flavor"] == "Google" else 403)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


@pytest.fixture
def metadata() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Metadata)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_token_is_for_the_audience_it_was_asked_for(metadata: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    # The library reads where the server is when it is imported, so it is imported anew.
    told = {**kept, "GCE_METADATA_HOST": metadata, "GCE_METADATA_IP": metadata}
    told.pop("GOOGLE_APPLICATION_CREDENTIALS", None)
    asked = [sys.executable, "-c", SCRIPT, AUDIENCE]
    printed = subprocess.run(asked, env=told, capture_output=True, text=True, check=False, timeout=60)
    assert printed.returncode == 0, printed.stderr
    claims = jwt.decode(printed.stdout.strip(), options={"verify_signature": False})
    assert claims["aud"] == AUDIENCE
