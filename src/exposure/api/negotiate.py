"""Which representation and coding a request accepts: RFC 9110, sections 12.5.1 and 12.5.3, with weights."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WEIGHT = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)", re.ASCII)


def choose(accept: str | None, offered: Sequence[str]) -> str | None:
    """Return the best of the offered media types, the earlier on a tie; None when none is accepted."""
    if accept is None or not accept.strip():
        return offered[0]
    ranges = _ranges(accept)
    weights = [_weight(media_type, ranges) for media_type in offered]
    best = max(weights)
    return offered[weights.index(best)] if best > 0 else None


def choose_token(accept: str, offered: Sequence[str]) -> str | None:
    """Return the best of the offered content codings, the earlier on a tie; None for no coding.

    A coding is answered only where it is asked for: a request without the header gets none.
    """
    if not accept:
        return None
    weights = dict(reversed(_ranges(accept)))
    rest = weights.get("*", 0.0)
    wanted = [weights.get(token, rest) for token in offered]
    best = max(wanted, default=0.0)
    # Where nothing is said of it, no coding is accepted but not preferred to one that is.
    is_wanted = best > 0 and best >= weights.get("identity", 0.0)
    return offered[wanted.index(best)] if is_wanted else None


def _ranges(header: str) -> list[tuple[str, float]]:
    return [_range(part) for part in header.split(",") if part.strip()]


def _range(text: str) -> tuple[str, float]:
    media_range, *parameters = (part.strip().lower() for part in text.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return media_range, float(value) if _WEIGHT.fullmatch(value.strip()) else 0.0
    return media_range, 1.0


def _weight(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """Return the weight of the most specific range that covers the media type."""
    for covering in (media_type, media_type.split("/", maxsplit=1)[0] + "/*", "*/*"):
        weights = [weight for media_range, weight in ranges if media_range == covering]
        if weights:
            return max(weights)
    return 0.0
