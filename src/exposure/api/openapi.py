"""The OpenAPI 3.1 document: what each path takes and answers, following from the catalog.

Format: https://spec.openapis.org/oas/v3.1.1
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from exposure.api.encode import JSON, NDJSON, NDJSON_ALIAS
from exposure.api.parameters import key_parameter, page_parameters, select
from exposure.api.problems import (
    INTERNAL_ERROR,
    INVALID_PAGE_TOKEN,
    INVALID_PARAMETER,
    MEDIA_TYPE,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    PAGE_TOKEN_MISMATCH,
    POSITION_TOO_LONG,
    PROBLEM_TYPES,
    QUERY_TOO_EXPENSIVE,
    UPSTREAM_MISCONFIGURED,
    UPSTREAM_UNAVAILABLE,
    URI_TOO_LONG,
    ProblemType,
)
from exposure.contracts.catalog import Catalog
from exposure.contracts.export.jsonschema import row_schema
from exposure.contracts.model import Contract

Document = dict[str, Any]
_READ = (
    INVALID_PARAMETER, NOT_ACCEPTABLE, URI_TOO_LONG, QUERY_TOO_EXPENSIVE, INTERNAL_ERROR,
    UPSTREAM_MISCONFIGURED, UPSTREAM_UNAVAILABLE,
)  # fmt: skip
_STRING: Document = {"type": "string"}
_HEADERS: Document = {
    "X-Complete": {"description": "`true` when no rows remain after these.", "schema": _STRING},
    "X-As-Of": {"description": "When the rows were read.", "schema": _STRING | {"format": "date-time"}},
    "X-Bytes-Billed": {"description": "What the answer cost.", "schema": {"type": "integer"}},
    "X-Request-Id": {"description": "Names this request in the operators' logs.", "schema": _STRING},
}
_LINK: Document = {"description": 'The next page, `rel="next"`; absent on the last one.', "schema": _STRING}


def page_operation(contract: Contract) -> Document:
    """Return what is said of `GET /v1/{contract}`."""
    properties = {
        "data": {"type": "array", "items": _row(contract)},
        "complete": {"type": "boolean", "description": "Whether no rows remain after these."},
        "next_page_token": {"type": ["string", "null"], "description": "Null on the last page."},
    }
    kinds = (*_READ, INVALID_PAGE_TOKEN, PAGE_TOKEN_MISMATCH, POSITION_TOO_LONG)
    return {
        "summary": f"Rows of {contract.name}",
        "description": contract.description,
        "tags": [contract.name],
        "parameters": page_parameters(contract),
        "responses": {"200": _rows("One page of rows.", properties, {"Link": _LINK}), **_problems(kinds)},
    }


def row_operation(contract: Contract) -> Document:
    """Return what is said of `GET /v1/{contract}/{key}`."""
    return {
        "summary": f"One row of {contract.name}",
        "tags": [contract.name],
        "parameters": [key_parameter(contract), select(contract)],
        "responses": {
            "200": _rows("The row.", {"data": _row(contract)}, {}),
            **_problems((*_READ, NOT_FOUND)),
        },
    }


def schema_operation(contract: Contract) -> Document:
    """Return what is said of `GET /v1/{contract}:schema`."""
    kinds = (INVALID_PARAMETER, NOT_ACCEPTABLE, URI_TOO_LONG)
    return plain_operation(f"What {contract.name} is and takes", kinds) | {"tags": [contract.name]}


def plain_operation(summary: str, kinds: Sequence[ProblemType] = (URI_TOO_LONG,)) -> Document:
    """Return what is said of a path that answers an object which needs no more description."""
    answer = {"description": "As asked.", "content": {JSON: {"schema": {"type": "object"}}}}
    return {"tags": ["service"], "summary": summary, "responses": {"200": answer, **_problems(kinds)}}


def problem_page_operation() -> Document:
    """Return what is said of `GET /problems/{code}`."""
    codes = [kind.path.rpartition("/")[2] for kind in PROBLEM_TYPES]
    code = {"name": "code", "in": "path", "required": True, "schema": _STRING | {"enum": codes}}
    operation = plain_operation("What a type of problem means, and what to do", (NOT_FOUND, URI_TOO_LONG))
    return operation | {"parameters": [code | {"example": codes[0]}]}


def components(catalog: Catalog) -> Document:
    """Return the schemas the paths refer to: each contract's row, the problem, the cost of an answer."""
    rows = {contract.name: _selected(contract) for contract in catalog}
    stats = {"tier": _STRING, "elapsed_ms": {"type": "number"}, "bytes_billed": {"type": "integer"}}
    return {"schemas": {**rows, "Stats": _object(stats), "Problem": _problem(), "ParameterError": _error()}}


def _row(contract: Contract) -> Document:
    return {"$ref": f"#/components/schemas/{contract.name}"}


def _selected(contract: Contract) -> Document:
    """Return the schema of a row of any selection: no column is surely there, no other ever is."""
    schema = row_schema(contract.stored_columns)
    return {name: value for name, value in schema.items() if name != "required"}


def _rows(description: str, properties: Document, headers: Document) -> Document:
    as_of = {"type": "string", "format": "date-time", "description": "When the rows were read."}
    schema = _object({**properties, "as_of": as_of, "stats": {"$ref": "#/components/schemas/Stats"}})
    lines = {"schema": {"type": "string", "description": "One row as a JSON object per line."}}
    return {
        "description": description,
        "headers": _HEADERS | headers,
        "content": {JSON: {"schema": schema}, NDJSON: lines, NDJSON_ALIAS: lines},
    }


def _problems(kinds: Sequence[ProblemType]) -> Document:
    """Return the answers that are problems, by status; several kinds may share one."""
    by_status: dict[str, list[ProblemType]] = defaultdict(list)
    for kind in kinds:
        by_status[str(kind.status.value)].append(kind)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {
            "description": ". ".join(f"{kind.title} (`{kind.code}`)" for kind in by_status[status]),
            "content": content,
        }
        for status in sorted(by_status)
    }


def _problem() -> Document:
    properties: Document = {
        "type": {"type": "string", "format": "uri-reference", "description": "A page that explains it."},
        "title": _STRING,
        "status": {"type": "integer"},
        "detail": _STRING,
        "code": {"type": "string", "enum": [kind.code for kind in PROBLEM_TYPES]},
        "request_id": _STRING,
    }
    errors = {"type": "array", "items": {"$ref": "#/components/schemas/ParameterError"}}
    schema = _object(properties) | {"description": "RFC 9457."}
    return schema | {"properties": properties | {"errors": errors}}


def _error() -> Document:
    return _object(
        {
            "parameter": _STRING,
            "code": _STRING,
            "message": _STRING,
            "allowed": {"type": "array", "items": _STRING},
            "suggestion": {"type": ["string", "null"]},
        }
    )


def _object(properties: Document) -> Document:
    return {"type": "object", "properties": properties, "required": list(properties)}
