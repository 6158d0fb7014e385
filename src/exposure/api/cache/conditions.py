"""`If-None-Match`: whether a client has an answer already. RFC 9110, section 13.1.2; tags compare weakly."""

from __future__ import annotations

import re
from collections.abc import Sequence

_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_LIST = re.compile(rf"[ \t,]*{_TAG.pattern}(?:[ \t]*,[ \t,]*{_TAG.pattern})*[ \t,]*")
_ANY = "*"


class Condition:
    """What a request's fields of that name say, several being one list; a wrong field says nothing."""

    def __init__(self, fields: Sequence[str]) -> None:
        said = ", ".join(fields).strip()
        self.is_any = said == _ANY
        self._tags = frozenset(_TAG.findall(said)) if _LIST.fullmatch(said) else frozenset()

    def is_met_by(self, etag: bytes) -> bool:
        """Return whether the client has the answer of that tag."""
        return bool(self._tags) and etag.decode().removeprefix("W/") in self._tags
