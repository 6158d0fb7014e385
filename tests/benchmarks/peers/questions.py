"""The same questions in the words of each contestant, and what every right answer holds.

Five questions are asked of everybody: one row by its key, the newest 100 rows of an hour, the newest 100 of
all, pages 991 to 1000 of that order, and the groups of all rows by category. Pure.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import quote, urlencode

from benchmarks.peers.data import CATEGORIES, TABLE, event_id, instant, written

PAGE_ROWS = 100
DEEP_PAGES = range(991, 1001)
POINT, PAGE, FIRST, DEEP, GROUPS = "point read", "page of an hour", "first page", "page 1000", "group-by"
_DIFFERENT = 500
_HOUR = timedelta(hours=1)
_HOUR_ROWS = 180
_SEED = 7


@dataclass(frozen=True)
class Asked:
    """One GET and the ids, or the categories, that its answer must hold, in this order."""

    path: str
    holds: Sequence[str]
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Words:
    """How one contestant is asked: each gives a path.

    `point` takes a key, `page` two instants as text, `deep` the number of a page, and `groups` nothing.
    """

    point: Callable[[str], str]
    page: Callable[[str, str], str]
    first: str
    deep: Callable[[int], str]
    groups: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def questions(self, rows: int) -> dict[str, list[Asked]]:
        """Return what is asked of each kind, the same for every contestant over so many rows."""
        draw = random.Random(_SEED)
        numbers = [draw.randrange(rows - _HOUR_ROWS) for _ in range(_DIFFERENT)]
        return {
            POINT: [self._asked(self.point(event_id(one)), [event_id(one)]) for one in numbers],
            PAGE: [self._hour(one) for one in numbers],
            FIRST: [self._asked(self.first, page_ids(rows, 1))],
            DEEP: [self._asked(self.deep(page), page_ids(rows, page)) for page in deep_pages(rows)],
            GROUPS: [self._asked(self.groups, [f"category-{one:02}" for one in range(CATEGORIES)])],
        }

    def _hour(self, number: int) -> Asked:
        since, last = instant(number), number + _HOUR_ROWS - 1
        ids = [event_id(last - index) for index in range(PAGE_ROWS)]
        return self._asked(self.page(written(since), written(since + _HOUR)), ids)

    def _asked(self, path: str, holds: Sequence[str]) -> Asked:
        return Asked(path, holds, self.headers)


def deep_pages(rows: int) -> Sequence[int]:
    """Return the deep pages' numbers; of fewer rows, the last ones."""
    pages = rows // PAGE_ROWS
    return DEEP_PAGES if pages >= DEEP_PAGES[-1] else range(max(2, pages - 9), pages + 1)


def page_ids(rows: int, page: int) -> list[str]:
    """Return the ids on a page, from 1 on, of all rows with the newest first."""
    newest = rows - 1 - (page - 1) * PAGE_ROWS
    return [event_id(newest - index) for index in range(PAGE_ROWS)]


def held(body: bytes) -> list[str]:
    """Return the ids, or the categories, that an answer of any contestant holds."""
    answer = json.loads(body)
    rows = answer if isinstance(answer, list) else answer.get("data", answer.get("rows"))
    listed = rows if isinstance(rows, list) else [rows]
    return [str(row.get("id", row["category"])) for row in listed]


def api_words(key: str, tokens: Mapping[int, str]) -> Words:
    """Return how this API is asked with an API key; `tokens` lead to the deep pages."""
    rows = f"/v1/{TABLE}"
    groups = {"group": "category", "measures": "count,sum:amount", "order": "category"}
    return Words(
        point=lambda one: f"{rows}/{one}",
        page=lambda since, until: f"{rows}?timestamp.gte={since}&timestamp.lt={until}",
        first=rows,
        deep=lambda page: f"{rows}?page_token={tokens[page]}",
        groups=f"{rows}:aggregate?{urlencode(groups)}",
        headers={"X-API-Key": key},
    )


def roapi_words() -> Words:
    """Return how ROAPI is asked, by its REST form; only groups need SQL, which it takes in a body alone."""
    rows = f"/api/tables/{TABLE}"
    newest = f"sort=-timestamp,-id&limit={PAGE_ROWS}"

    def hour(since: str, until: str) -> str:
        bounds = {"filter[timestamp]gteq": f"'{since}'", "filter[timestamp]lt": f"'{until}'"}
        return f"{rows}?{urlencode(bounds)}&{newest}"

    return Words(
        point=lambda one: f"{rows}?{urlencode({'filter[id]': repr(one)})}",
        page=hour,
        first=f"{rows}?{newest}",
        deep=lambda page: f"{rows}?{newest}&page={page}",
        groups="/api/sql",
    )


ROAPI_GROUPS = (
    f"SELECT category, count(*) AS rows, sum(amount) AS sum FROM {TABLE} GROUP BY category ORDER BY category"
)


def datasette_words(rows_in_all: int) -> Words:
    """Return how Datasette is asked: rows as objects, and nothing counted that nobody asked for."""
    rows, shape = f"/measured/{TABLE}", "_shape=objects&_nocount=1&_nofacet=1&_nosuggest=1"
    newest = f"_sort_desc=timestamp&_size={PAGE_ROWS}&{shape}"

    def deep(page: int) -> str:
        # The row before the page, as its own `next` would name it.
        before = rows_in_all - (page - 1) * PAGE_ROWS
        token = f"{_tilde(written(instant(before)))},{_tilde(event_id(before))}"
        return f"{rows}.json?{newest}&_next={quote(token, safe=',~')}"

    return Words(
        point=lambda one: f"{rows}/{_tilde(one)}.json?_shape=objects",
        page=lambda since, until: f"{rows}.json?timestamp__gte={since}&timestamp__lt={until}&{newest}",
        first=f"{rows}.json?{newest}",
        deep=deep,
        groups=f"/measured.json?_shape=objects&{urlencode({'sql': ROAPI_GROUPS})}",
    )


def _tilde(text: str) -> str:
    return "".join(one if one.isalnum() or one in "_-" else f"~{ord(one):02X}" for one in text)


def postgres_words(rows_in_all: int) -> Words:
    """Return how the route over PostgreSQL is asked; deep pages go on behind a position, which is fastest."""

    def deep(page: int) -> str:
        before = rows_in_all - (page - 1) * PAGE_ROWS
        position = {"after_time": written(instant(before)), "after_id": event_id(before)}
        return f"/events?{urlencode(position)}"

    return Words(
        point=lambda one: f"/events/{one}",
        page=lambda since, until: f"/events?since={since}&until={until}",
        first="/events",
        deep=deep,
        groups="/groups",
    )
