"""Which address a request comes from, where proxies we trust stand between, and only as far as we trust them.

Each proxy appends to X-Forwarded-For the address it was called from. What stands further left was written by
the client, who may write anything.
"""

from __future__ import annotations

import functools
import ipaddress

from starlette.datastructures import Headers
from starlette.types import Scope

_UNKNOWN = "unknown"
# Whoever has one IPv6 address has the 2^64 of its network.
_IPV6_PREFIX = 64
# To read one takes as long as to answer from the cache.
_REMEMBERED = 4096


def client_address(scope: Scope, trusted_proxies: int) -> str:
    """Return the client's address, of IPv6 its network; `trusted_proxies` stand between it and us.

    On Cloud Run called directly that is 1, behind a load balancer 2. A request that passed fewer of them is
    its sender's own.
    """
    peer = scope["client"][0] if scope.get("client") else ""
    if trusted_proxies:
        fields = Headers(scope=scope).getlist("x-forwarded-for")
        passed = [part.strip() for part in ",".join(fields).split(",")]
        if len(passed) >= trusted_proxies:
            return _address(passed[-trusted_proxies]) or _address(peer) or _UNKNOWN
    return _address(peer) or _UNKNOWN


@functools.lru_cache(_REMEMBERED)
def _address(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), _IPV6_PREFIX), strict=False))
