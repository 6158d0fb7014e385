"""How a container starts one of the image's programs; what uvicorn is told and why."""

from __future__ import annotations

from exposure.settings import GRACE_SECONDS

_HOST, _PORT = "0.0.0.0", "8080"  # noqa: S104 - a container's only address

# The pull form of ingest.
PULL = ("/app/ingest/bin/python", "-m", "exposure", "ingest", "--pull")
# It publishes with the client that ingest's environment holds.
CANARY = ("/app/ingest/bin/python", "-m", "exposure", "canary")


def command(service: str) -> tuple[str, ...]:
    """Return the command of `api` or `ingest`: its own environment's interpreter, exec form."""
    return (
        f"/app/{service}/bin/uvicorn", "--factory", f"exposure.entrypoints:{service}",
        "--host", _HOST, "--port", _PORT, "--http", "exposure.http_protocol:Protocol",
        "--no-access-log", "--no-server-header",
        # What Google's front end says of the caller, the application reads itself.
        "--no-proxy-headers",
        "--timeout-graceful-shutdown", str(GRACE_SECONDS),
    )  # fmt: skip
