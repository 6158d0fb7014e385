"""Whether an address is on this machine: what is must be reached directly, whatever proxy is configured.

A proxy of the environment leads away from this machine, where nothing of the embedded platform answers.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit


def is_loopback(address: str) -> bool:
    """Tell whether a URL, or a `host:port`, leads to this machine."""
    try:
        host = urlsplit(address if "//" in address else f"//{address}").hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def channel_options(address: str) -> list[tuple[str, int]]:
    """Return the options of a gRPC channel to a `host:port`: no proxy on the way to this machine."""
    return [("grpc.enable_http_proxy", 0)] if is_loopback(address) else []
