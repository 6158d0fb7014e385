"""NDJSON as messages: which lines can be published, and what is wrong with the others.

Only what no subscriber could use is refused: a line that is no JSON object. Whether it fits its contract
is for ingest to say, which keeps what it refuses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import msgspec

# A publish request has 10 MB at most, the topic's name and the message's frame among them.
# https://cloud.google.com/pubsub/quotas#resource_limits
MAX_LINE_BYTES = 9_990_000
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True)
class MessageLine:
    """One line: its number, from 1 on, its size in the file, its message and why it cannot be published."""

    number: int
    read_bytes: int
    data: bytes
    fault: str | None


def read_lines(stream: BinaryIO) -> Iterator[MessageLine]:
    """Yield every line; memory is bounded by the longest line that can be published."""
    number = 0
    while text := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(text) > MAX_LINE_BYTES and not text.endswith(b"\n"):
            skipped = _skip_line(stream)
            fault = f"longer than {MAX_LINE_BYTES} bytes, Pub/Sub takes no such message"
            yield MessageLine(number, len(text) + skipped, b"", fault)
            continue
        data = text.strip()
        yield MessageLine(number, len(text), data, _fault(data))


def _skip_line(stream: BinaryIO) -> int:
    skipped = 0
    while text := stream.readline(MAX_LINE_BYTES):
        skipped += len(text)
        if text.endswith(b"\n"):
            break
    return skipped


def _fault(data: bytes) -> str | None:
    if not data:
        return "empty"
    try:
        _OBJECT.decode(data)
    except msgspec.ValidationError:
        return "no JSON object"
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return f"no JSON: {error}"
    except RecursionError:
        return "nested too deeply"
    return None
