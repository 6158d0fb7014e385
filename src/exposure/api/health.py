"""Whether the process runs, and whether the warehouse can be asked.

The second is asked of every contract by a question that is not run and costs nothing.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from exposure.api.encode import JSON, dumps
from exposure.api.problems import UPSTREAM_UNAVAILABLE, Problem
from exposure.contracts.catalog import Catalog
from exposure.contracts.model import Contract
from exposure.query.model import Order, Query
from exposure.warehouse.port import Reader
from exposure.warehouse.readiness import Readiness

_LOG = logging.getLogger(__name__)
_PATIENCE = timedelta(seconds=4)
# Anybody may ask how the service is; the warehouse is not asked as often.
_REMEMBERED = timedelta(seconds=10)


class Health:
    """The two answers, the same for every caller."""

    def __init__(self, catalog: Catalog, reader: Reader) -> None:
        self._questions = [_first_row(contract) for contract in catalog]
        self._reader = reader
        self._readiness = Readiness(self._ask, _PATIENCE, _REMEMBERED)

    async def live(self, _: Request) -> Response:
        """Answer that the process runs."""
        return _ok()

    async def ready(self, _: Request) -> Response:
        """Answer whether the warehouse can be asked of every contract."""
        complaint = await self._readiness.complaint()
        if complaint is not None:
            # What the warehouse said may name tables, accounts and projects: it is for the log alone.
            _LOG.warning("not ready: %s", complaint)
            raise Problem(UPSTREAM_UNAVAILABLE, "the warehouse cannot be asked now")
        return _ok()

    async def _ask(self) -> None:
        await asyncio.gather(*(self._reader.explain(question) for question in self._questions))


def _first_row(contract: Contract) -> Query:
    key = contract.key_column
    return Query(contract=contract, columns=(key,), filters=(), order=(Order(key),), page_size=1)


def _ok() -> Response:
    return Response(dumps({"status": "ok"}), media_type=JSON)
