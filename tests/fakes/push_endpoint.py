"""The push endpoint over a warehouse in memory, and pushes to it with a genuine token."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from exposure.contracts.analytics_table import CONTRACT
from exposure.contracts.catalog import CATALOG
from exposure.ingest.app import PushApp, Verifier
from exposure.ingest.batch import BatchLimits
from exposure.ingest.pipeline import Pipeline
from exposure.query.model import Row
from fakes.asgi_client import Answer, call
from fakes.messages import NOON, wrapped
from fakes.recording_writer import RecordingWriter


class AnyoneMayPush:
    """A verifier that lets everybody in, for tests about something else."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.closed = False

    async def verify(self, authorization: str) -> None:
        del authorization
        if self.failure is not None:
            raise self.failure

    async def close(self) -> None:
        self.closed = True


class PushEndpoint:
    """The ASGI application with every contract of the catalog, its writer, and what it has stored."""

    def __init__(self, verifier: Verifier | None = None, limits: BatchLimits | None = None) -> None:
        self.writer = RecordingWriter()
        self.anyone = AnyoneMayPush()
        self.pipelines = {
            contract.name: Pipeline(contract, self.writer, limits, clock=lambda: NOON) for contract in CATALOG
        }
        self.app = PushApp(self.pipelines, verifier or self.anyone, self.writer)
        self.headers: dict[str, str] = {}

    async def push(self, data: bytes, message_id: str = "1", contract: str = CONTRACT.name) -> Answer:
        """Push the payload in an envelope."""
        return await self.post(wrapped(data, message_id), contract)

    async def post(self, body: bytes, contract: str = CONTRACT.name, **headers: str) -> Answer:
        """Push this very body."""
        return await self.post_chunks([body], contract, headers)

    async def post_chunks(
        self,
        chunks: Sequence[bytes | None],
        contract: str = CONTRACT.name,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Push a body that comes in chunks; None stands for a client that goes away."""
        return await call(self.app, "POST", f"/push/{contract}", chunks, self.headers | (headers or {}))

    async def get(self, path: str, method: str = "GET") -> Answer:
        return await call(self.app, method, path)

    def stored(self, contract: str = CONTRACT.name) -> list[Row]:
        return self.writer.stored(contract)

    def quarantined(self, contract: str = CONTRACT.name) -> list[dict[str, Any]]:
        """Return the quarantine's rows by column name."""
        names = ("reason", "detail", "data", "attributes", "contract_version", "id", "published", "ingested")
        return [dict(zip(names, row, strict=True)) for row in self.writer.stored(f"{contract}_quarantine")]
