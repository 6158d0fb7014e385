"""The paths about groups as OpenAPI describes them: every group and measure of a contract by name, typed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from exposure.api.encode import JSON
from exposure.api.openapi import EXPLANATION, HEADERS, problems
from exposure.api.openapi_bounds import asking, unbounded_note, windowed
from exposure.api.openapi_kept import kept
from exposure.api.parameters import page_parameters
from exposure.api.problems import ANSWER_OUT_OF_RANGE
from exposure.contracts.export.jsonschema import scalar_schema
from exposure.contracts.model import Contract
from exposure.contracts.types import Scalar
from exposure.query.aggregate import COUNTING, Group, Measure
from exposure.query.aggregate_grammar import (
    COLUMNS,
    DEFAULT_FACET_TOP,
    DEFAULT_TOP,
    FILL,
    FILL_ZERO,
    GROUP,
    HAVING,
    HAVING_OPERATORS,
    MAX_FACET_TOP,
    MAX_FACETS,
    MAX_FILLED,
    MAX_GROUPS,
    MAX_MEASURES,
    MAX_TOP,
    MEASURES,
    TIMEZONE,
    TOP,
)
from exposure.query.aggregate_names import GroupNames
from exposure.query.grammar import EXPLAIN, MAX_ORDER_COLUMNS, ORDER, SYSTEM_PARAMETERS, WHERE

Document = dict[str, Any]
# Words of a page that groups do not know.
_BESIDE = set(SYSTEM_PARAMETERS) - {WHERE}
_STRING: Document = {"type": "string"}
_OPERATORS = "|".join(HAVING_OPERATORS)
_STATS: Document = {"$ref": "#/components/schemas/Stats"}
_AS_OF: Document = {"type": "string", "format": "date-time", "description": "When the rows were read."}


def aggregate_operation(contract: Contract) -> Document:
    """Return what is said of `GET /v1/{contract}:aggregate`."""
    known = GroupNames(contract)
    return {
        "summary": f"Groups of rows of {contract.name}",
        "description": (
            "Rows that meet the filters, in groups, and measures of each group. Measures are named "
            "`function:column`; percentiles and `approx_distinct` may be estimates: `approximate` lists "
            f"them. `{HAVING}.measure.operator=value` keeps the groups whose measure compares so."
            f"{unbounded_note(contract)}"
        ),
        "tags": [contract.name],
        "parameters": [*_filters(contract), *_parameters(contract, known)],
        "responses": {
            **kept(windowed(contract, _groups(known))),
            **problems((*asking(contract), ANSWER_OUT_OF_RANGE)),
        },
        "x-examples": aggregate_examples(contract),
    }


def facets_operation(contract: Contract) -> Document:
    """Return what is said of `GET /v1/{contract}:facets`."""
    known = GroupNames(contract)
    names = [name for name, group in known.groups.items() if group.unit is None]
    columns = _query(COLUMNS, "Columns whose values are counted.", _list(names, MAX_FACETS), names[:1])
    return {
        "summary": f"How often which values are in {contract.name}",
        "description": (
            "The most frequent values of columns among the rows that meet the filters."
            f"{unbounded_note(contract)}"
        ),
        "tags": [contract.name],
        "parameters": [
            *_filters(contract),
            columns | {"required": True},
            _top("Values a column.", DEFAULT_FACET_TOP, MAX_FACET_TOP),
        ],
        "responses": {**kept(windowed(contract, _facets(known, names))), **problems(asking(contract))},
        "x-examples": facets_examples(contract),
    }


def aggregate_examples(contract: Contract) -> list[str]:
    """Return questions that can be asked as they are."""
    path, time = f"/v1/{contract.name}:aggregate", contract.event_time
    month = f"{time}.gte=2026-11-01T00:00:00Z&{time}.lt=2026-12-01T00:00:00Z"
    return [
        path,
        f"{path}?{GROUP}={time}:day&{TIMEZONE}=Europe/Madrid&{FILL}={FILL_ZERO}&{month}",
        f"{path}?{GROUP}={time}:month&{MEASURES}=count,distinct:{contract.key}&{ORDER}=-count&{TOP}=10",
        f"{path}?{GROUP}={contract.key}&{HAVING}.count.gt=1&{EXPLAIN}=1",
    ]


def facets_examples(contract: Contract) -> list[str]:
    """Return questions for facets that can be asked as they are."""
    return [f"/v1/{contract.name}:facets?{COLUMNS}={contract.key}&{TOP}=5"]


def _filters(contract: Contract) -> list[Document]:
    return [one for one in page_parameters(contract) if one["name"] not in _BESIDE]


def _parameters(contract: Contract, known: GroupNames) -> Iterator[Document]:
    groups, measures = list(known.groups), list(known.measures)
    both = [*groups, *measures]
    time = contract.event_time
    yield _query(
        GROUP, "Columns and time buckets; without it all rows.", _list(groups, MAX_GROUPS), [f"{time}:day"]
    )
    yield _query(MEASURES, "What to answer of each group.", _list(measures, MAX_MEASURES), ["count"])
    order = "Groups of this question and measures, `-` for descending; without it the groups in their order."
    signed = [f"{sign}{name}" for name in both for sign in ("", "-")]
    yield _query(ORDER, order, _list(signed, MAX_ORDER_COLUMNS), ["-count"])
    yield _top("Groups an answer; more than the maximum is refused.", DEFAULT_TOP, MAX_TOP)
    zone = "Where days and hours begin: an IANA name. Only beside a bucket of instants."
    yield _query(TIMEZONE, zone, _STRING | {"default": "UTC"})
    fill = (
        "Every bucket between the bounds that filters set, those without rows as zeros; "
        f"{MAX_FILLED} at most. Not beside `{ORDER}`, `{TOP}` and `{HAVING}`."
    )
    yield _query(FILL, fill, _STRING | {"enum": [FILL_ZERO]})
    yield _query(EXPLAIN, "Say what would be run, and run nothing.", _STRING | {"enum": ["1"]}, "1")
    yield _having(known)


def _having(known: GroupNames) -> Document:
    """Return one parameter for all conditions: an exploded object's properties are parameters themselves."""
    patterns: dict[Scalar, list[str]] = {}
    for name, measure in known.measures.items():
        patterns.setdefault(measure.type, []).append(name)
    properties = {
        rf"^{HAVING}\.({'|'.join(names)})\.({_OPERATORS})$": scalar_schema(kind)
        for kind, names in patterns.items()
    }
    schema = {"type": "object", "patternProperties": properties, "additionalProperties": False}
    example = {f"{HAVING}.count.gte": 1}
    about = "Conditions on measures, one parameter each: `having.count.gte=1`."
    return _query(HAVING, about, schema, example) | {"style": "form", "explode": True}


def _groups(known: GroupNames) -> Document:
    named: list[tuple[str, Group | Measure]] = [*known.groups.items(), *known.measures.items()]
    row = {
        "type": "object",
        "properties": {name: _value(one) for name, one in named},
        "additionalProperties": False,
    }
    properties = {
        "data": {"type": "array", "items": row},
        "complete": {"type": "boolean", "description": "Whether there are no more groups than these."},
        "timezone": _STRING | {"description": "Where buckets begin."},
        "approximate": {"type": "array", "items": _STRING, "description": "Measures that may be estimates."},
        "as_of": _AS_OF,
        "stats": _STATS,
    }
    answered = _object(properties)
    return _answer("The groups, or with `explain=1` what would be run.", {"anyOf": [answered, EXPLANATION]})


def _facets(known: GroupNames, names: Sequence[str]) -> Document:
    def facet(name: str) -> Document:
        value = _nullable(scalar_schema(known.groups[name].type))
        counted = _object({"value": value, "count": {"type": "integer"}})
        return _object({"values": {"type": "array", "items": counted}, "complete": {"type": "boolean"}})

    facets = {"type": "object", "properties": {name: facet(name) for name in names}}
    schema = _object({"facets": facets, "complete": {"type": "boolean"}, "as_of": _AS_OF, "stats": _STATS})
    return _answer("The most frequent values.", schema)


def _value(one: Group | Measure) -> Document:
    schema = scalar_schema(one.type)
    if isinstance(one, Measure) and one.function in COUNTING:
        return schema | {"minimum": 0}
    return _nullable(schema)


def _nullable(schema: Document) -> Document:
    return schema | {"type": [schema["type"], "null"]}


def _answer(description: str, schema: Document) -> Document:
    return {"description": description, "headers": HEADERS, "content": {JSON: {"schema": schema}}}


def _top(about: str, usual: int, most: int) -> Document:
    return _query(TOP, about, {"type": "integer", "minimum": 1, "maximum": most, "default": usual}, 10)


def _list(names: Sequence[str], most: int) -> Document:
    items = _STRING | {"enum": list(names)}
    return {"type": "array", "items": items, "minItems": 1, "maxItems": most, "uniqueItems": True}


def _query(name: str, description: str, schema: Document, example: object = None) -> Document:
    parameter = {"name": name, "in": "query", "required": False, "description": description, "schema": schema}
    if schema.get("type") == "array":
        parameter |= {"style": "form", "explode": False}
    return parameter if example is None else parameter | {"example": example}


def _object(properties: Document) -> Document:
    return {"type": "object", "properties": properties, "required": list(properties)}
