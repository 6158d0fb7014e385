"""What OpenAPI says of a contract's paths: every filter is a typed parameter with an example."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from exposure.api.encode import JSON, NDJSON
from exposure.api.problems import MEDIA_TYPE, PROBLEM_TYPES
from exposure.contracts.export.jsonschema import row_schema, scalar_schema
from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Scalar
from exposure.query.grammar import (
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    ORDER,
    PAGE_SIZE,
    PAGE_TOKEN,
    SELECT,
    comparable_columns,
    operators_of,
    scalar_of,
)
from exposure.query.model import Operator

Document = dict[str, Any]
_MEANINGS = {
    Operator.EQ: "equal to",
    Operator.NE: "other than",
    Operator.LT: "less than",
    Operator.LTE: "at most",
    Operator.GT: "greater than",
    Operator.GTE: "at least",
    Operator.IN: "one of these, separated by commas",
}
_EXAMPLES: dict[Scalar, object] = {
    Scalar.STRING: "abc",
    Scalar.INTEGER: 42,
    Scalar.NUMBER: 1.5,
    Scalar.DECIMAL: "19.90",
    Scalar.BOOLEAN: True,
    Scalar.DATE: "2026-01-31",
    Scalar.TIMESTAMP: "2026-01-31T12:00:00Z",
}


def page_operation(contract: Contract) -> Document:
    """Return what is said of `GET /v1/{contract}`."""
    return {
        "parameters": [*_filters(contract), *_system_parameters(contract)],
        "responses": {"200": _page_answer(contract), "default": problem_answer()},
    }


def row_operation(contract: Contract) -> Document:
    """Return what is said of `GET /v1/{contract}/{key}`."""
    key = contract.key_column
    parameter = {
        "name": "key",
        "in": "path",
        "required": True,
        "description": key.description,
        "schema": scalar_schema(scalar_of(key)),
        "example": _example(key),
    }
    schema = _answer_schema({"data": row_schema(contract.columns)})
    return {
        "parameters": [parameter, _select(contract)],
        "responses": {"200": _answer("The row.", {JSON: {"schema": schema}}), "default": problem_answer()},
    }


def problem_answer() -> Document:
    """Return what is said of every answer that is an error."""
    codes = [kind.code for kind in PROBLEM_TYPES]
    properties: Document = {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "enum": codes},
        "request_id": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    }
    required = ["type", "title", "status", "detail", "code", "request_id"]
    schema = {"type": "object", "properties": properties, "required": required}
    return _answer("A problem (RFC 9457).", {MEDIA_TYPE: {"schema": schema}})


def _filters(contract: Contract) -> Iterator[Document]:
    for column in comparable_columns(contract):
        for operator in operators_of(column.type):
            yield _filter(column, operator)


def _filter(column: Column, operator: Operator) -> Document:
    schema = scalar_schema(scalar_of(column))
    example = _example(column)
    if operator is Operator.IN:
        schema, example = {"type": "string"}, _as_text(example)
    return {
        "name": f"{column.name}.{operator}",
        "in": "query",
        "required": False,
        "description": f"Rows whose `{column.name}` is {_MEANINGS[operator]}. {column.description}".strip(),
        "schema": schema,
        "example": example,
    }


def _system_parameters(contract: Contract) -> list[Document]:
    size = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": DEFAULT_PAGE_SIZE}
    newest_first = f"-{contract.event_time}"
    return [
        _select(contract),
        _text(ORDER, "Columns to order by, `-` for descending; the key is appended.", newest_first),
        {"name": PAGE_SIZE, "in": "query", "required": False, "description": "Rows a page.", "schema": size},
        _text(PAGE_TOKEN, "`next_page_token` of the page before; filters and order must be the same."),
    ]


def _select(contract: Contract) -> Document:
    return _text(SELECT, "Columns to answer with; all declared ones by default.", contract.key)


def _text(name: str, description: str, example: str | None = None) -> Document:
    parameter: Document = {"name": name, "in": "query", "required": False, "description": description}
    return parameter | {"schema": {"type": "string"}} | ({"example": example} if example else {})


def _page_answer(contract: Contract) -> Document:
    row = row_schema(contract.columns)
    more = {"complete": {"type": "boolean"}, "next_page_token": {"type": ["string", "null"]}}
    schema = _answer_schema({"data": {"type": "array", "items": row}, **more})
    return _answer("One page of rows.", {JSON: {"schema": schema}, NDJSON: {"schema": {"type": "string"}}})


def _answer_schema(properties: Document) -> Document:
    stats = {
        "type": "object",
        "properties": {
            "tier": {"type": "string"},
            "elapsed_ms": {"type": "number"},
            "bytes_billed": {"type": "integer"},
        },
    }
    properties = properties | {"as_of": {"type": "string", "format": "date-time"}, "stats": stats}
    return {"type": "object", "properties": properties, "required": list(properties)}


def _answer(description: str, content: Document) -> Document:
    return {"description": description, "content": content}


def _example(column: Column) -> object:
    return _EXAMPLES[scalar_of(column)] if column.example is None else column.example


def _as_text(example: object) -> str:
    text = example if isinstance(example, str) else json.dumps(example)
    return '"' + text.replace('"', '""') + '"' if set(text) & set('",\r\n') else text
