"""The parameters of a contract's paths as OpenAPI describes them: typed, each with an example that runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from exposure.contracts.export.jsonschema import scalar_schema
from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Scalar
from exposure.query.grammar import (
    DEFAULT_PAGE_SIZE,
    MAX_IN_VALUES,
    MAX_ORDER_COLUMNS,
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
    Operator.EQ: "equal to this",
    Operator.NE: "other than this; rows without a value are not among them",
    Operator.LT: "less than this",
    Operator.LTE: "at most this",
    Operator.GT: "greater than this",
    Operator.GTE: "at least this",
    Operator.IN: 'one of these, separated by commas; a value with a comma is quoted as in CSV, "a,b"',
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


def page_parameters(contract: Contract) -> list[Document]:
    """Return the parameters of `GET /v1/{contract}`."""
    return [*_filters(contract), select(contract), _order(contract), *_page()]


def key_parameter(contract: Contract) -> Document:
    """Return the path parameter of `GET /v1/{contract}/{key}`."""
    key = contract.key_column
    return {
        "name": "key",
        "in": "path",
        "required": True,
        "description": f"`{key.name}`, percent-encoded. {key.description}",
        "schema": scalar_schema(scalar_of(key)),
        "example": _example(key),
    }


def select(contract: Contract) -> Document:
    """Return the parameter that chooses columns."""
    names = [column.name for column in contract.stored_columns]
    description = "Columns to answer with; without it those of the contract, system columns excluded."
    schema = _list({"type": "string", "enum": names}, len(names)) | {"uniqueItems": True}
    return _query(SELECT, description, schema, [contract.key, contract.event_time])


def _filters(contract: Contract) -> Iterator[Document]:
    for column in comparable_columns(contract):
        for operator in operators_of(column.type):
            yield _filter(column, operator)


def _filter(column: Column, operator: Operator) -> Document:
    description = f"Rows whose `{column.name}` is {_MEANINGS[operator]}. {column.description}".strip()
    schema, example = scalar_schema(scalar_of(column)), _example(column)
    if operator is Operator.IN:
        schema, example = _list(schema, MAX_IN_VALUES), [_in_list(example)]
    return _query(f"{column.name}.{operator}", description, schema, example)


def _order(contract: Contract) -> Document:
    names = [f"{sign}{column.name}" for column in comparable_columns(contract) for sign in ("", "-")]
    description = (
        "Columns to order by, `-` for descending; NULL is smaller than every value. The key is appended in "
        f"the direction of the last. Without it `-{contract.event_time},-{contract.key}`."
    )
    schema = _list({"type": "string", "enum": names}, MAX_ORDER_COLUMNS)
    return _query(ORDER, description, schema, [f"-{contract.event_time}", contract.key])


def _page() -> Sequence[Document]:
    size = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": DEFAULT_PAGE_SIZE}
    token = "`next_page_token` of the page before; filters and order must be the same."  # noqa: S105 (prose)
    return (
        _query(PAGE_SIZE, "Rows a page; more than the maximum is refused.", size, 10),
        _query(PAGE_TOKEN, token, {"type": "string"}),
    )


def _query(name: str, description: str, schema: Document, example: object = None) -> Document:
    parameter = {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
    if schema.get("type") == "array":
        parameter |= {"style": "form", "explode": False}
    return parameter if example is None else parameter | {"example": example}


def _list(items: Document, most: int) -> Document:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": most}


def _example(column: Column) -> object:
    return _EXAMPLES[scalar_of(column)] if column.example is None else column.example


def _in_list(example: object) -> object:
    text = example if isinstance(example, str) else json.dumps(example)
    return '"' + text.replace('"', '""') + '"' if set(text) & set('",\r\n') else example
