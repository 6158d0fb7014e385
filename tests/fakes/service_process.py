"""A service as the cloud starts it, in a process of its own, over a warehouse that does not answer."""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

# Cloud Run kills after so many seconds.
GRACE_SECONDS = 10
_PATIENCE_SECONDS = 30
_TOLD = {
    "api": {
        "LOCATION": "EU",
        "PAGE_TOKEN_KEYS": base64.b64encode(bytes(32)).decode(),
        "BIGQUERY_ENDPOINT": "http://127.0.0.1:1",
        "TRUSTED_PROXIES": "0",
    },
    "ingest": {
        "PUSH_ACCOUNT": "push@a-project.iam.gserviceaccount.com",
        "PUSH_AUDIENCE": "https://ingest.example",
        "STORAGE_WRITE_ENDPOINT": "127.0.0.1:1",
    },
}


def service_environment(service: str, **told: str) -> dict[str, str]:
    """Return what the service `api` or `ingest` is told; names without their prefix."""
    settings = {"PROJECT": "a-project", **_TOLD[service], **told}
    return {**os.environ, **{f"EXPOSURE_{name}": value for name, value in settings.items()}}


@contextmanager
def service_process(service: str, **told: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run the service; give its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "uvicorn", "--factory", f"exposure.entrypoints:{service}", "--port", str(port),
        "--timeout-graceful-shutdown", "6", "--log-level", "warning",
    ]  # fmt: skip
    environment = service_environment(service, **told)
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def ask(url: str, method: str = "GET", **headers: str) -> httpx2.Response:
    """Ask once the server listens."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return httpx2.request(method, url, headers=headers, trust_env=False, timeout=10)
        except httpx2.ConnectError:
            assert time.monotonic() < end, "the service does not listen"
            time.sleep(0.05)
