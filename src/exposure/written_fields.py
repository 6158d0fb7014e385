"""Header fields as HTTP/1.1 sends them, for an application that gives the same ones again."""

from __future__ import annotations

from collections.abc import Collection

# In `http.response.start`: the very `headers` as `written` writes them. `exposure.http_protocol` sends these,
# any other server the headers. One message with the whole body follows.
WRITTEN = "exposure.written"


def written(fields: Collection[tuple[bytes, bytes]]) -> bytes:
    """Return the fields, one to a line; raises ValueError when one would be two."""
    lines = b"".join([b"%b: %b\r\n" % field for field in fields])
    if not lines.count(b"\n") == lines.count(b"\r") == len(fields):
        raise ValueError("a header field holds a line break")
    return lines


def read(lines: bytes) -> list[tuple[bytes, bytes]]:
    """Return the fields that are written so."""
    parted = (line.partition(b": ") for line in lines.split(b"\r\n")[:-1])
    return [(name, value) for name, _, value in parted]
