"""A kept answer is, to the byte, the one that was made, and what an API without a cache answers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

from duckdb import DuckDBPyConnection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.cached_house import cached_house, rows_told, status_of
from fakes.guarded_house import guarded_house

KEYS = ("bank", "open-acme", "blind-bolt", None)
PARTS = st.lists(
    st.sampled_from(
        [
            "page_size=2",
            "page_size=5",
            "amount.gte=3",
            "amount.lt=5",
            "note.eq=note-of-acme",
            "note.isnull=false",
            "order=amount",
            "order=-payment",
            "select=payment,amount",
            "count=exact",
            "format=csv",
            "format=ndjson",
            "shape=columns",
            "nosuch=1",
            "where=amount gte 2 or note prefix note",
        ]
    ),
    max_size=4,
)
PATHS = st.sampled_from(
    [
        "/v1/payments?",
        "/v1/rates?",
        "/v1/payments/pay-acme-1?",
        "/v1/payments:aggregate?group=note&measures=count&",
        "/v1/payments:facets?columns=note&",
    ]
)
CODINGS = st.sampled_from(["identity", "gzip", "br"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PATHS, PARTS, st.sampled_from(KEYS), CODINGS)
def test_a_kept_answer_is_the_made_one(
    vault: DuckDBPyConnection, path: str, parts: list[str], key: str | None, coding: str
) -> None:
    async def compare(folder: Path) -> None:
        url, fields = path + "&".join(parts), {"Accept-Encoding": coding}
        async with guarded_house(folder, vault) as plain:
            alone = await plain.get(url, key, **fields)
        async with cached_house(folder, vault) as house:
            made, *kept = [await house.get(url, key, **fields) for _ in range(4)]
            assert {answer.status_code for answer in (made, *kept)} == {alone.status_code}
            if alone.status_code != 200:
                assert not house.cache.store.held_bytes
                return
            assert {status_of(answer) for answer in kept} == {"hit"}
            assert {answer.content for answer in kept} == {made.content}
            assert rows_told(made) == rows_told(alone)
            for name in ("content-type", "content-encoding", "x-complete", "link"):
                values = {answer.headers.get(name) is None for answer in (alone, made, *kept)}
                assert len(values) == 1, name

    with TemporaryDirectory() as name:
        asyncio.run(compare(Path(name)))
