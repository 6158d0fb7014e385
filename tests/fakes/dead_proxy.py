"""An environment that leads every client astray: proxies at a port where nothing listens."""

from __future__ import annotations

import pytest

DEAD_PROXY = "http://127.0.0.1:9"
PROXY_VARIABLES = {
    name: DEAD_PROXY
    for lower in ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy")
    for name in (lower, lower.upper())
}


def lead_everything_to_a_dead_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name the proxies in this process's environment, and no exceptions."""
    for name, value in PROXY_VARIABLES.items():
        monkeypatch.setenv(name, value)
    for name in ("no_proxy", "NO_PROXY", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
