"""The README's dataset, declared as it says, goes the whole road."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx2

from exposure.api.app import build_api
from exposure.api.seal import TokenSealer
from exposure.contracts.catalog import Catalog
from exposure.contracts.model import Contract
from exposure.contracts.sample import SampleOptions, sample_messages
from exposure.ingest.message import Message
from exposure.ingest.outcome import Outcome
from exposure.ingest.pipeline import Pipeline
from exposure.warehouse.duckdb_file import open_duckdb
from exposure.warehouse.duckdb_reader import DuckDBReader
from exposure.warehouse.duckdb_writer import DuckDBWriter
from exposure.warehouse.schema import quarantine_table, rows_table
from fakes.messages import NOON

README = Path(__file__).parent.parent / "README.md"


def declared() -> Contract:
    """Return the contract of the README's section on adding a dataset, run as it stands there."""
    section = README.read_text().partition("## Add a dataset")[2]
    (program,) = re.findall(r"```python\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(program, "README.md", "exec"), names)  # noqa: S102 - our own text
    contract = names["CONTRACT"]
    assert isinstance(contract, Contract)
    return contract


async def test_the_dataset_of_the_readme_is_stored_and_served() -> None:
    contract = declared()
    connection = open_duckdb(None, [rows_table(contract), quarantine_table(contract)])
    pipeline = Pipeline(contract, DuckDBWriter(connection), clock=lambda: NOON)
    for number, fields in enumerate(sample_messages(contract, SampleOptions(rows=5, seed=7, start=NOON))):
        message = Message(str(number), json.dumps(fields).encode(), {}, NOON)
        assert await pipeline.handle(message) is Outcome.STORED
    app = build_api(Catalog((contract,)), DuckDBReader(connection), TokenSealer([bytes(32)]))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://api") as client:
        page = (await client.get("/v1/visits")).json()
    assert len(page["data"]) == 5
    assert set(page["data"][0]) == {"visit_id", "seen_at", "page", "seconds"}
