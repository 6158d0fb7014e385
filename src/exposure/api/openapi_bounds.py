"""What bounds a question's cost and time, as OpenAPI describes it: problems, windows, and when they apply."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from exposure.api.encode import JSON
from exposure.api.problems import (
    BUDGET_SPENT,
    DEADLINE_EXCEEDED,
    INTERNAL_ERROR,
    INVALID_PARAMETER,
    NOT_ACCEPTABLE,
    QUERY_TOO_EXPENSIVE,
    TIME_BOUND_REQUIRED,
    UPSTREAM_MISCONFIGURED,
    UPSTREAM_UNAVAILABLE,
    URI_TOO_LONG,
    ProblemType,
)
from exposure.api.time_window import HEADER, MEMBER
from exposure.contracts.model import Contract
from exposure.contracts.unbounded import Unbounded

Document = dict[str, Any]
# What whoever asks the warehouse may be answered.
READ = (
    INVALID_PARAMETER, NOT_ACCEPTABLE, URI_TOO_LONG, QUERY_TOO_EXPENSIVE, INTERNAL_ERROR,
    UPSTREAM_MISCONFIGURED, UPSTREAM_UNAVAILABLE, DEADLINE_EXCEEDED, BUDGET_SPENT,
)  # fmt: skip


def asking(contract: Contract) -> tuple[ProblemType, ...]:
    """Return what a question about many rows of the contract may be answered."""
    return (*READ, TIME_BOUND_REQUIRED) if contract.unbounded is Unbounded.REFUSE else READ


def unbounded_note(contract: Contract) -> str:
    """Return the sentence, a blank before it, on questions without a bound; empty when nothing follows."""
    bound, unbounded = f"`{contract.event_time}`", contract.unbounded
    if isinstance(unbounded, timedelta):
        return (
            f" A question without a lower bound on {bound} is about the last {unbounded.days} days, and its "
            f"answer says so in `{MEMBER}` and `{HEADER}`."
        )
    if unbounded is Unbounded.REFUSE:
        return f" A question needs a lower bound on {bound}."
    return ""


def windowed(contract: Contract, answer: Document) -> Document:
    """Return the description of an answer with what it says of its window, where it may have one."""
    if not isinstance(contract.unbounded, timedelta):
        return answer
    about = "The lower bound on the event time that the question was given; absent when it has its own."
    header = {"description": about, "schema": {"type": "string"}}
    parts = {"parameter": {"type": "string"}, "value": {"type": "string", "format": "date-time"}}
    member = {"type": "object", "description": about, "properties": parts, "required": list(parts)}
    content = dict(answer["content"])
    content[JSON] = {"schema": _with_member(content[JSON]["schema"], member)}
    return answer | {"headers": answer["headers"] | {HEADER: header}, "content": content}


def _with_member(schema: Document, member: Document) -> Document:
    if "anyOf" in schema:
        whole, *others = schema["anyOf"]
        return schema | {"anyOf": [_with_member(whole, member), *others]}
    return schema | {"properties": schema["properties"] | {MEMBER: member}}
