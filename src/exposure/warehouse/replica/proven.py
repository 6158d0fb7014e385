"""What a replica may answer: the closed list of what DuckDB computes as GoogleSQL does, to the last byte.

The dialects make most of the two agree, and the tests ask both and a model in Python the same questions.
Left out is what differs by nature, whatever a dialect writes:

- text in lower case (GoogleSQL makes two letters of İ), regular expressions, and what is inside JSON;
- averages, which round at another place; percentiles and approximate counts, which BigQuery estimates;
- counts of distinct numbers, for NaN and the two zeros;
- sums, least and greatest of numbers, unless `PlainNumbers` says that neither the order of adding nor NaN nor
  a second zero can make a difference;
- time zones, whose rules are of another edition on either side.

Sums too great for their type are errors on both, and the replica passes them on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from exposure.contracts.model import Column
from exposure.contracts.types import Array, LogicalType, Object, Scalar
from exposure.query.aggregate import Aggregation, Function, Group, Measure
from exposure.query.grammar import scalar_of
from exposure.query.model import Filter, Operator, Query, comparisons

OPERATORS = frozenset(
    {
        Operator.EQ, Operator.NE, Operator.LT, Operator.LTE, Operator.GT, Operator.GTE, Operator.IN,
        Operator.NIN, Operator.SAME, Operator.DISTINCT, Operator.ISNULL, Operator.PREFIX, Operator.CONTAINS,
        Operator.LIKE, Operator.HAS, Operator.HASANY,
    }
)  # fmt: skip
FUNCTIONS = frozenset({Function.COUNT, Function.DISTINCT, Function.SUM, Function.MIN, Function.MAX})
_UTC = "UTC"


def is_proven(question: Query | Aggregation, plain_numbers: Collection[str]) -> bool:
    """Return whether a replica may answer; `plain_numbers` names columns as `PlainNumbers` does."""
    if not all(map(_is_proven_filter, comparisons(*question.filters))):
        return False
    if isinstance(question, Query):
        return not any(_holds_json_inside(column.type) for column in question.columns)
    return all(_is_proven_group(question, one) for one in question.groups) and all(
        _is_proven_measure(one, plain_numbers) for one in question.computed
    )


def _is_proven_filter(one: Filter) -> bool:
    return one.operator in OPERATORS and not _is_in_json((one.column, *one.within))


def _is_proven_group(question: Aggregation, group: Group) -> bool:
    if group.is_zoned and question.timezone != _UTC:
        return False
    return not _is_in_json((group.column, *group.within))


def _is_proven_measure(measure: Measure, plain_numbers: Collection[str]) -> bool:
    if measure.column is None:
        return True
    steps = (measure.column, *measure.within)
    if measure.function not in FUNCTIONS or _is_in_json(steps):
        return False
    if measure.function is Function.COUNT or scalar_of(steps[-1]) is not Scalar.NUMBER:
        return True
    is_plain = not measure.within and measure.column.name in plain_numbers
    return is_plain and measure.function is not Function.DISTINCT


def _is_in_json(steps: tuple[Column, ...]) -> bool:
    return any(step.type is Scalar.JSON for step in steps[:-1])


def _holds_json_inside(logical_type: LogicalType) -> bool:
    if isinstance(logical_type, Array):
        return logical_type.of is Scalar.JSON or _holds_json_inside(logical_type.of)
    if not isinstance(logical_type, Object):
        return False
    return _any_json(field.type for field in logical_type.fields)


def _any_json(types: Iterable[LogicalType]) -> bool:
    return any(one is Scalar.JSON or _holds_json_inside(one) for one in types)
