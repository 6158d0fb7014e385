"""One line per answer: which tier it came from, and what it cost, once."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path

import httpx2
from duckdb import DuckDBPyConnection

from exposure.api.answer_lines import AnswerLines
from exposure.telemetry.lines import Lines
from fakes.cached_house import STALE, cached_house
from fakes.guarded_house import filled_vault
from fakes.repeating_transport import RepeatingTransport


def tiers(stream: io.StringIO) -> Counter[tuple[str, str, int]]:
    """Return how many lines of each contract, tier and cost were written."""
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert {line["event"] for line in lines} == {"answer"}
    return Counter((line["contract"], line["tier"], line["billed_bytes"]) for line in lines)


async def test_every_answer_has_a_line_that_says_its_tier_and_its_cost(tmp_path: Path) -> None:
    vault: DuckDBPyConnection = await filled_vault()
    stream = io.StringIO()
    async with cached_house(tmp_path, vault) as house:
        house.house.reader.bills = 10
        app = AnswerLines(house.house.app, Lines(stream))
        transport = RepeatingTransport(app)
        key = {"X-API-Key": house.house.keys["bank"]}
        async with httpx2.AsyncClient(transport=transport, base_url="http://api", headers=key) as client:
            for _ in range(5):
                await client.get("/v1/payments?page_size=2")
            tag = (await client.get("/v1/rates/pay-world-1")).headers["etag"]
            await client.get("/v1/rates/pay-world-1", headers={"If-None-Match": tag})
            await client.get("/v1/payments?x=1")
            await client.get("/v1")
            house.age(STALE)
            await client.get("/v1/payments?page_size=2")
            await house.settle()
            app._write_free()
    vault.close()
    assert tiers(stream) == {
        # The second is the refresh behind the stale answer.
        ("payments", "warehouse", 10): 2,
        ("payments", "cache", 0): 4,
        ("payments", "stale", 0): 1,
        ("rates", "warehouse", 10): 1,
        ("rates", "cache", 0): 1,
    }


async def test_lines_that_were_gathered_are_written_when_the_application_ends() -> None:
    stream = io.StringIO()

    async def app(scope: object, receive: object, send: object) -> None:
        lines._count(("payments", "cache"))

    lines = AnswerLines(app, Lines(stream))
    await lines({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert tiers(stream) == {("payments", "cache", 0): 1}
