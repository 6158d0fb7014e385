"""Ids of requests: 64 random bits each, to find in the log what a client complains of. No secrets."""

from __future__ import annotations

import os

_DIGITS = 16
_DRAWN = 512


class RequestIds:
    """Draws many at a time: a call of the system for each takes longer than looking up a kept answer."""

    def __init__(self) -> None:
        self._digits = ""
        self._at = 0

    def next(self) -> str:
        """Return an id of 16 hexadecimal digits."""
        if self._at == len(self._digits):
            self._digits, self._at = os.urandom(_DRAWN * _DIGITS // 2).hex(), 0
        self._at += _DIGITS
        return self._digits[self._at - _DIGITS : self._at]
