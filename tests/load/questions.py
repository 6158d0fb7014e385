"""What readers ask: few questions very often and many seldom, as readers do (Zipf's law).

Pure: it knows a contract, some keys and an instant, and neither clock nor network.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from exposure.contracts.model import Contract

# The exponent of requests for pages of the web; see L. Breslau and others, "Web caching and Zipf-like
# distributions: evidence and implications" (1999), where it is between 0.64 and 0.83.
EXPONENT = 0.8
_HOURS = 24


class Popularity:
    """Draws from a ranking: the item of rank r is drawn in proportion to 1 / r ** exponent."""

    def __init__(self, ranking: Sequence[str], seed: int, exponent: float = EXPONENT) -> None:
        self._ranking = ranking
        self._cumulative = list(accumulate(1 / rank**exponent for rank in range(1, len(ranking) + 1)))
        self._random = random.Random(seed)

    def draw(self) -> str:
        """Return one item."""
        return self._random.choices(self._ranking, cum_weights=self._cumulative)[0]


def questions(contract: Contract, keys: Sequence[str], now: datetime) -> list[str]:
    """Return paths from the most asked to the least: the newest page, the last hours, then single rows."""
    rows = f"/v1/{contract.name}"
    return [*_pages(rows, contract, now), *(f"{rows}/{key}" for key in keys)]


def _pages(rows: str, contract: Contract, now: datetime) -> Iterator[str]:
    event_time = contract.event_time
    yield f"{rows}?order=-{event_time}&page_size=20"
    yield rows
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for back in range(_HOURS):
        since, until = (_instant(hour - timedelta(hours=back - one)) for one in (0, 1))
        yield f"{rows}?{event_time}.gte={since}&{event_time}.lt={until}&page_size=50"


def _instant(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
