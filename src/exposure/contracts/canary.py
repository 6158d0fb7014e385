"""Which keys of a contract belong to the platform's own canaries, and what marks their messages.

A canary is a row that the platform publishes to see it served. It goes the way of every other row: the same
topic, ingest, table and API; only its key is of a kind no producer may use. Ingest sets a message with such a
key aside unless it is marked, and the API leaves these rows out of every question that does not name one by
its key. They are not deleted: they go with the partition they are in.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from operator import methodcaller
from typing import Any

from exposure.contracts.model import Contract
from exposure.contracts.types import INTEGER_MIN, Scalar

# The attribute of a canary's message; its value is the key, by which it is found where attributes are kept.
CANARY_MARK = "exposure-canary"
# Keys with this beginning, and only they, are between the two. Others usually come before both: a warehouse
# that knows the least and the greatest key of many rows need not look at each.
CANARY_PREFIX, BEHIND_CANARIES = "~canary-", "~canary."
# Where keys are integers, those below this one.
LEAST_INTEGER_KEY = -(2**62)
_KEY_BYTES, _KEY_BITS = 16, 62


def reserved_keys(contract: Contract) -> Callable[[Any], bool]:
    """Return what tells of a key of the contract whether it is reserved for canaries."""
    # Without a frame of Python's own: it is asked of every message.
    if contract.key_column.type is Scalar.INTEGER:
        return LEAST_INTEGER_KEY.__gt__
    return methodcaller("startswith", CANARY_PREFIX)


def new_canary_key(contract: Contract) -> str | int:
    """Return a key that no row has yet."""
    if contract.key_column.type is Scalar.INTEGER:
        return INTEGER_MIN + secrets.randbits(_KEY_BITS)
    return CANARY_PREFIX + secrets.token_hex(_KEY_BYTES)
