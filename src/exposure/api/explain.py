"""The answer to `explain=1`: what would be run for a question, and what it would read. Nothing is run."""

from __future__ import annotations

from decimal import Decimal

from starlette.responses import Response

from exposure.api.encode import JSON, dumps
from exposure.query.aggregate import Aggregation
from exposure.query.model import Query
from exposure.warehouse.port import REPLICA, WAREHOUSE, Reader


async def explained(reader: Reader, question: Query | Aggregation) -> Response:
    """Return the response that explains the question."""
    plan = await reader.explain(question)
    body = {
        "tier": REPLICA if plan.engine == REPLICA else WAREHOUSE,
        "engine": plan.engine,
        "sql": plan.text,
        "parameters": {name: _written(value) for name, value in plan.parameters.items()},
        "bytes_estimated": plan.bytes_estimated,
        "steps": plan.steps or None,
    }
    return Response(dumps({"explain": body}), 200, {"Cache-Control": "no-store", "Vary": "Accept"}, JSON)


def _written(value: object) -> object:
    """Return a parameter's value as `dumps` takes it; a decimal is a text, as in every answer."""
    if isinstance(value, tuple):
        return [_written(one) for one in value]
    return format(value, "f") if isinstance(value, Decimal) else value
