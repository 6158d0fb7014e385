"""Values that ask for trouble, few of each type, so that they tie; and a walk over them."""

from __future__ import annotations

import math
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from exposure.contracts.types import Scalar
from exposure.query.model import Query
from exposure.warehouse.port import Reader
from fakes.rows import NOON
from fakes.walk import walk

# Few, so that values tie and filters meet.
TEXTS = ("", "a", "A", "ab", "b", "ñ", "Ñ", "n\u0303", "🦜", "a%b", "a_b", "a\\b", "a\nb", "ß", "'\"`")
NUMBERS = (math.nan, -math.inf, -1.5, -0.0, 0.0, 5e-324, 1.5, math.inf)
VALUES: dict[Scalar, tuple[Any, ...]] = {
    Scalar.STRING: TEXTS[1:],
    Scalar.INTEGER: (-(2**63), -1, 0, 2, 2**63 - 1),
    Scalar.NUMBER: tuple(one for one in NUMBERS if math.isfinite(one)),
    Scalar.DECIMAL: (Decimal("-0.000000001"), Decimal(0), Decimal("1.5")),
    Scalar.BOOLEAN: (True, False),
    Scalar.DATE: (date.min, date(2026, 1, 31), date.max),
    Scalar.TIMESTAMP: (NOON - timedelta(days=400), NOON, NOON + timedelta(microseconds=1)),
}


async def walked_keys(reader: Reader, query: Query) -> list[object]:
    """Return the keys, the one column asked for, of every page; all pages but the last are full."""
    pages = await walk(reader, query)
    assert all(len(page.rows) == query.page_size for page in pages[:-1])
    return [key for page in pages for (key,) in page.rows]
