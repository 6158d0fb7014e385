"""The OpenAPI 3.1 document: what each path takes and answers, following from the catalog.

Format: https://spec.openapis.org/oas/v3.1.1
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from exposure.api.encode import JSON
from exposure.api.formats.document import export_parameters, media_types, page_words, row_words
from exposure.api.openapi_bounds import READ, asking, unbounded_note, windowed
from exposure.api.openapi_kept import kept
from exposure.api.parameters import key_parameter, page_parameters, select
from exposure.api.problems import (
    ANYWHERE,
    INVALID_PAGE_TOKEN,
    INVALID_PARAMETER,
    MEDIA_TYPE,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    PAGE_TOKEN_EXPIRED,
    PAGE_TOKEN_MISMATCH,
    POSITION_TOO_LONG,
    PROBLEM_TYPES,
    URI_TOO_LONG,
    ProblemType,
)
from exposure.contracts.catalog import Catalog
from exposure.contracts.export.jsonschema import row_schema
from exposure.contracts.model import Contract
from exposure.query.asides import Count

Document = dict[str, Any]
AS_OF = "The moment whose rows these are, the same on every page of a walk."
_STRING: Document = {"type": "string"}
HEADERS: Document = {
    "X-Complete": {"description": "`true` when no rows remain after these.", "schema": _STRING},
    "X-As-Of": {"description": AS_OF, "schema": _STRING | {"format": "date-time"}},
    "X-Tier": {"description": "Where the answer came from.", "schema": _STRING},
    "X-Bytes-Billed": {"description": "What the answer cost.", "schema": {"type": "integer"}},
    "X-Request-Id": {"description": "Names this request in the operators' logs.", "schema": _STRING},
}
EXPLANATION: Document = {"$ref": "#/components/schemas/Explanation"}
_TOTAL: Document = {
    "description": "`rows;kind=exact`, the rows of all pages; only with `count`.",
    "schema": _STRING,
}
_LINK: Document = {"description": 'The next page, `rel="next"`; absent on the last one.', "schema": _STRING}


_SECURITY_SCHEMES: Document = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key, `dxp_…`."},
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key, or a token of a trusted signer.",
    },
}
_WAIT: Document = {"Retry-After": {"description": "Seconds until asking again helps.", "schema": _STRING}}
_REFUSAL_FIELDS: dict[str, Document] = {
    "401": {"WWW-Authenticate": {"description": "How to authenticate.", "schema": _STRING}},
    "429": _WAIT
    | {
        "RateLimit-Policy": {"description": "How many requests in how many seconds.", "schema": _STRING},
        "RateLimit": {"description": "How many are left, for how many seconds.", "schema": _STRING},
    },
    "503": _WAIT,
}
# None is needed for what is public; what else there is to see depends on the credential.
SECURITY: list[Document] = [{}, {"apiKey": []}, {"bearer": []}]


def page_operation(contract: Contract) -> Document:
    """Return what is said of `GET /v1/{contract}`."""
    properties = {
        "data": {"type": "array", "items": _row(contract)},
        "complete": {"type": "boolean", "description": "Whether no rows remain after these."},
        "next_page_token": {"type": ["string", "null"], "description": "Null on the last page."},
    }
    tokens = (INVALID_PAGE_TOKEN, PAGE_TOKEN_MISMATCH, PAGE_TOKEN_EXPIRED, POSITION_TOO_LONG)
    kinds = (*asking(contract), *tokens)
    return {
        "summary": f"Rows of {contract.name}",
        "description": f"{contract.description}{unbounded_note(contract)}",
        "tags": [contract.name],
        "parameters": [*page_parameters(contract), *page_words()],
        "responses": {**kept(windowed(contract, _page(properties))), **problems(kinds)},
    }


def export_operation(contract: Contract) -> Document:
    """Return what is said of `GET /v1/{contract}:export`."""
    properties = {
        "data": {"type": "array", "items": _row(contract)},
        "complete": {"type": "boolean", "const": True, "description": "Behind the rows: they have ended."},
        "next_page_token": {"type": "null"},
    }
    return {
        "summary": f"All rows of {contract.name} in one answer",
        "description": (
            "Streamed, of one moment, in no order unless one is asked for. An answer that cannot be ended "
            f"breaks the connection off: what came before it is not whole.{unbounded_note(contract)}"
        ),
        "tags": [contract.name],
        "parameters": export_parameters(page_parameters(contract)),
        "responses": {
            "200": windowed(contract, _rows("Every row.", properties, {})),
            **problems(asking(contract)),
        },
    }


def row_operation(contract: Contract) -> Document:
    """Return what is said of `GET /v1/{contract}/{key}`."""
    return {
        "summary": f"One row of {contract.name}",
        "tags": [contract.name],
        "parameters": [key_parameter(contract), select(contract), *row_words()],
        "responses": {
            **kept(_rows("The row.", {"data": _row(contract)}, {})),
            **problems((*READ, NOT_FOUND)),
        },
    }


def schema_operation(contract: Contract) -> Document:
    """Return what is said of `GET /v1/{contract}:schema`."""
    kinds = (INVALID_PARAMETER, NOT_ACCEPTABLE, URI_TOO_LONG)
    return plain_operation(f"What {contract.name} is and takes", kinds) | {"tags": [contract.name]}


def plain_operation(summary: str, kinds: Sequence[ProblemType] = (URI_TOO_LONG,)) -> Document:
    """Return what is said of a path that answers an object which needs no more description."""
    answer = {"description": "As asked.", "content": {JSON: {"schema": {"type": "object"}}}}
    return {"tags": ["service"], "summary": summary, "responses": {"200": answer, **problems(kinds)}}


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
    schemas = {**rows, "Stats": _object(stats), "Problem": _problem(), "ParameterError": _error()}
    schemas |= {"Total": _total(), "Explanation": _explanation()}
    return {"schemas": schemas, "securitySchemes": _SECURITY_SCHEMES}


def _row(contract: Contract) -> Document:
    return {"$ref": f"#/components/schemas/{contract.name}"}


def _selected(contract: Contract) -> Document:
    """Return the schema of a row of any selection: no column is surely there, no other ever is."""
    schema = row_schema(contract.stored_columns)
    return {name: value for name, value in schema.items() if name != "required"}


def _page(properties: Document) -> Document:
    """Return the answer that is a page, with the total if it was asked for, or an explanation."""
    described = _rows(
        "One page of rows, or with `explain=1` what would be run.",
        properties,
        {"Link": _LINK, "X-Total": _TOTAL},
    )
    answer = described["content"][JSON]
    whole: Document = answer["schema"]
    total = {"total": {"$ref": "#/components/schemas/Total"}}
    answer["schema"] = {"anyOf": [whole | {"properties": whole["properties"] | total}, EXPLANATION]}
    return described


def _rows(description: str, properties: Document, headers: Document) -> Document:
    as_of = {"type": "string", "format": "date-time", "description": AS_OF}
    schema = _object({**properties, "as_of": as_of, "stats": {"$ref": "#/components/schemas/Stats"}})
    return {
        "description": description,
        "headers": HEADERS | headers,
        "content": media_types(schema),
    }


def problems(kinds: Sequence[ProblemType]) -> Document:
    """Return the answers that are problems, by status; several kinds may share one."""
    by_status: dict[str, list[ProblemType]] = defaultdict(list)
    for kind in dict.fromkeys((*kinds, *ANYWHERE)):
        by_status[str(kind.status.value)].append(kind)
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {
            "description": ". ".join(f"{kind.title} (`{kind.code}`)" for kind in by_status[status]),
            "content": content,
            **({"headers": _REFUSAL_FIELDS[status]} if status in _REFUSAL_FIELDS else {}),
        }
        for status in sorted(by_status)
    }


def _total() -> Document:
    kind = _STRING | {"enum": [Count.ESTIMATE, Count.EXACT]}
    return _object({"rows": {"type": "integer", "minimum": 0}, "kind": kind})


def _explanation() -> Document:
    explain = {
        "tier": _STRING,
        "engine": _STRING,
        "sql": _STRING,
        "parameters": {"type": "object"},
        "bytes_estimated": {"type": ["integer", "null"], "description": "The most it would read."},
        "steps": {"type": ["string", "null"], "description": "The warehouse's own plan."},
    }
    return _object({"explain": _object(explain)})


def _problem() -> Document:
    properties: Document = {
        "type": {"type": "string", "format": "uri-reference", "description": "A page that explains it."},
        "title": _STRING,
        "status": {"type": "integer"},
        "detail": _STRING,
        "code": {"type": "string", "enum": [kind.code for kind in PROBLEM_TYPES]},
        "retryable": {"type": "boolean", "description": "Whether the same request may be answered later."},
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
