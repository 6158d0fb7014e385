"""One answer as it is kept: ready to be sent, its body in the coding it was asked for in."""

from __future__ import annotations

from dataclasses import dataclass, field
from weakref import ReferenceType

from exposure.api.cache.versions import Version

Fields = tuple[tuple[bytes, bytes], ...]
# What an entry holds besides its bytes: about what Python adds.
_OWN_BYTES = 1024
_FIELD_BYTES = 128


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Entry:
    """An answer of status 200 and the version of the table it was made of. `fields` are in lower case.

    `size` is about how many bytes of memory it takes. Entries are equal only to themselves.
    """

    version: Version
    fields: Fields
    body: bytes
    size: int = field(init=False)

    def __post_init__(self) -> None:
        """Count the bytes."""
        held = sum(len(name) + len(value) + _FIELD_BYTES for name, value in self.fields)
        object.__setattr__(self, "size", _OWN_BYTES + held + len(self.body))


@dataclass(frozen=True, slots=True)
class Repeatable:
    """What must still be so for an answer to be given again: the version, and the entry if there is one.

    The entry is not kept alive by this.
    """

    contract: str
    digest: bytes
    mark: str
    at: float
    entry: ReferenceType[Entry] | None
