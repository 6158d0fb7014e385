"""The parameters of a contract's paths as OpenAPI describes them: typed, each with an example that runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from exposure.contracts.export.jsonschema import scalar_schema
from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Array, Scalar
from exposure.query.arrangement import NULLS_FIRST, NULLS_LAST
from exposure.query.asides import Count
from exposure.query.grammar import (
    COUNT,
    DEFAULT_PAGE_SIZE,
    EXPLAIN,
    LIST_OPERATORS,
    MAX_FILTERS,
    MAX_IN_VALUES,
    MAX_ORDER_COLUMNS,
    MAX_PAGE_SIZE,
    MAX_WHERE_BYTES,
    MAX_WHERE_DEPTH,
    ORDER,
    PAGE_SIZE,
    PAGE_TOKEN,
    SELECT,
    WHERE,
    Place,
    comparable_columns,
    places,
    scalar_of,
)
from exposure.query.model import Operator
from exposure.query.regular import MAX_EXPRESSION_CHARACTERS

Document = dict[str, Any]
_LISTED = 'separated by commas; a value with a comma is quoted as in CSV, "a,b"'
_MEANINGS = {
    Operator.EQ: "equal to this",
    Operator.NE: "other than this; rows without a value are not among them",
    Operator.LT: "less than this",
    Operator.LTE: "at most this",
    Operator.GT: "greater than this",
    Operator.GTE: "at least this",
    Operator.IN: f"one of these, {_LISTED}",
    Operator.NIN: f"none of these, {_LISTED}; rows without a value are not among them",
    Operator.SAME: "the same as this; beneath `not`, rows without a value count as other",
    Operator.DISTINCT: "other than this, or without a value",
    Operator.ISNULL: "missing (`true`) or there (`false`)",
    Operator.PREFIX: "a text that begins with this",
    Operator.CONTAINS: "a text that holds this",
    Operator.ICONTAINS: "a text that holds this in upper or lower case",
    Operator.LIKE: "a text of this pattern: `%` is any text, `_` any character, a backslash stands before "
    "either that means itself",
    Operator.MATCH: "a text in which this regular expression (RE2, without flags) is found",
    Operator.HAS: "a list with this in it",
    Operator.HASANY: f"a list with one of these in it, {_LISTED}",
}
_COUNTED = (
    "Say in `total` how many rows meet the filters on all pages: `exact` costs a second question, `estimate` "
    "may count a row twice that is stored twice, and reads nothing where nothing is filtered."
)
# Texts as a filter takes them, as a pattern, and as they are written in a list.
_TEXT = "^[^\\u0000]+$"
_PATTERN = r"^([^\\\u0000]|\\[\\%_])+$"
_LISTED_TEXT = '^([^\\u0000",\\r\\n]+|"([^\\u0000"]|"")*")$'
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
    return [*_filters(contract), select(contract), _where(contract), _order(contract), *_page()]


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
    for place in places(contract):
        for operator in place.operators:
            yield _filter(place, operator)


def _filter(place: Place, operator: Operator) -> Document:
    description = f"Rows whose `{place.name}` is {_MEANINGS[operator]}. {place.leaf.description}".strip()
    name = f"{place.name}.{operator}"
    if operator is Operator.ISNULL or place.scalar is None:
        return _query(name, description, {"type": "boolean"}, example=False)
    schema, example = scalar_schema(place.scalar), _example(place.leaf)
    if place.scalar is Scalar.STRING:
        schema = schema | {"pattern": _LISTED_TEXT if operator in LIST_OPERATORS else _TEXT}
    if operator in LIST_OPERATORS:
        schema, example = _list(schema, MAX_IN_VALUES), [_in_list(example)]
    if operator is Operator.LIKE:
        schema, example = schema | {"pattern": _PATTERN}, re.sub(r"([\\%_])", r"\\\1", str(example)) + "%"
    if operator is Operator.MATCH:
        schema, example = schema | {"maxLength": MAX_EXPRESSION_CHARACTERS}, "^[A-Z].*[0-9]$"
    return _query(name, description, schema, example)


def _where(contract: Contract) -> Document:
    description = (
        "Comparisons `column operator value` joined by `and`, `or`, `not` and parentheses, of the columns "
        "and operators of the filters here. `and` and `or` side by side need parentheses; lists are written "
        "`(a,b)`; a value with blanks, quotes, commas or parentheses stands in double quotes, which are "
        "doubled inside. "
        f"At most {MAX_FILTERS} comparisons, filters included, nested {MAX_WHERE_DEPTH} deep."
    )
    since = f"{contract.event_time} gte 2026-01-01T00:00:00Z"
    key = str(_in_list(_example(contract.key_column)))
    schema = {"type": "string", "minLength": 1, "maxLength": MAX_WHERE_BYTES}
    return _query(WHERE, description, schema, f"{since} and not ({contract.key} in ({key}))")


def _order(contract: Contract) -> Document:
    names = [
        f"{sign}{column.name}{nulls}"
        for column in comparable_columns(contract)
        for sign in ("", "-")
        for nulls in (("", f".{NULLS_FIRST}", f".{NULLS_LAST}") if column.nullable else ("",))
    ]
    description = (
        "Columns to order by, `-` for descending; rows without a value stand where the smallest value would, "
        f"or where `.{NULLS_FIRST}` or `.{NULLS_LAST}` behind the column says. The key is appended in "
        f"the direction of the last. Without it `-{contract.event_time},-{contract.key}`."
    )
    schema = _list({"type": "string", "enum": names}, MAX_ORDER_COLUMNS)
    return _query(ORDER, description, schema, [f"-{contract.event_time}", contract.key])


def _page() -> Sequence[Document]:
    size = {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": DEFAULT_PAGE_SIZE}
    token = (
        "`next_page_token` of the page before; filters and order must be the same. All pages are of the "  # noqa: S105 (prose)
        "moment of the first: what is stored later is on none of them."
    )
    return (
        _query(PAGE_SIZE, "Rows a page; more than the maximum is refused.", size, 10),
        _query(PAGE_TOKEN, token, {"type": "string"}),
        _query(COUNT, _COUNTED, {"type": "string", "enum": list(Count), "default": Count.NONE}, Count.EXACT),
        _query(EXPLAIN, "Say what would be run, and run nothing.", {"type": "string", "enum": ["1"]}, "1"),
    )


def _query(name: str, description: str, schema: Document, example: object = None) -> Document:
    parameter = {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
    if schema.get("type") == "array":
        parameter |= {"style": "form", "explode": False}
    return parameter if example is None else parameter | {"example": example}


def _list(items: Document, most: int) -> Document:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": most}


def _example(column: Column) -> object:
    element = column.type.of if isinstance(column.type, Array) else column.type
    example = column.example[0] if isinstance(column.example, list) and column.example else column.example
    return _EXAMPLES[element] if example is None and isinstance(element, Scalar) else example


def _in_list(example: object) -> object:
    text = example if isinstance(example, str) else json.dumps(example)
    return '"' + text.replace('"', '""') + '"' if set(text) & set('",\r\n') else example
