"""How a container starts one of the image's programs; what uvicorn is told and why."""

from __future__ import annotations

_HOST, _PORT = "0.0.0.0", "8080"  # noqa: S104 - a container's only address
# Cloud Run kills after 10 s; closing takes 2 s of them.
_GRACE_SECONDS = "6"

# The pull form of ingest.
PULL = ("/app/ingest/bin/python", "-m", "exposure", "ingest", "--pull")


def command(service: str) -> tuple[str, ...]:
    """Return the command of `api` or `ingest`: its own environment's interpreter, exec form."""
    return (
        f"/app/{service}/bin/uvicorn", "--factory", f"exposure.entrypoints:{service}",
        "--host", _HOST, "--port", _PORT, "--no-access-log", "--no-server-header",
        "--timeout-graceful-shutdown", _GRACE_SECONDS,
    )  # fmt: skip
