"""What a condition means, in plain Python: true, false, or None for unknown; and what an order is."""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Array, Scalar
from exposure.query.model import And, Condition, Filter, Not, Operator, Or, Order, Row

_COMPARED: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQ: operator.eq,
    Operator.NE: operator.ne,
    Operator.LT: operator.lt,
    Operator.LTE: operator.le,
    Operator.GT: operator.gt,
    Operator.GTE: operator.ge,
    Operator.IN: lambda value, wanted: value in wanted,
    Operator.NIN: lambda value, wanted: value not in wanted,
    Operator.PREFIX: lambda value, wanted: value.startswith(wanted),
    Operator.CONTAINS: lambda value, wanted: wanted in value,
    Operator.ICONTAINS: lambda value, wanted: wanted.lower() in value.lower(),
    Operator.MATCH: lambda value, wanted: re.search(wanted, value, re.ASCII) is not None,
    Operator.LIKE: lambda value, wanted: re.fullmatch(_regular(wanted), value, re.DOTALL) is not None,
}
_MEMBERS: dict[Scalar, Callable[[str], Any]] = {
    Scalar.STRING: str,
    Scalar.INTEGER: int,
    Scalar.NUMBER: float,
    Scalar.DECIMAL: Decimal,
    Scalar.BOOLEAN: lambda text: {"true": True, "false": False}[text],
    Scalar.DATE: date.fromisoformat,
    Scalar.TIMESTAMP: datetime.fromisoformat,
}


def holds(contract: Contract, one: Condition, row: Row) -> bool | None:
    """Return whether the condition holds for the row, whose values are those of the stored columns."""
    if isinstance(one, Filter):
        return _compared(one, values(contract, one, row))
    if isinstance(one, Not):
        inner = holds(contract, one.condition, row)
        return None if inner is None else not inner
    found = [holds(contract, inner, row) for inner in one.conditions]
    if isinstance(one, And):
        return False if False in found else None if None in found else True
    assert isinstance(one, Or)
    return True if True in found else None if None in found else False


def met(contract: Contract, conditions: Iterable[Condition], rows: Sequence[Row]) -> list[Row]:
    """Return the rows for which all of the conditions hold."""
    asked = list(conditions)
    return [row for row in rows if all(holds(contract, one, row) for one in asked)]


def ordered(contract: Contract, order: Sequence[Order], rows: Sequence[Row]) -> list[Row]:
    """Return the rows in the order: NaN the least value, NULL where the order says."""
    found = list(rows)
    for one in reversed(order):
        at = contract.stored_columns.index(one.column)
        present = [row for row in found if row[at] is not None]
        absent = [row for row in found if row[at] is None]
        # NaN first, and whatever stands for the number beside it alike.
        present.sort(key=lambda row: _place(row[at]), reverse=one.descending)
        found = [*absent, *present] if one.nulls_first else [*present, *absent]
    return found


def _place(value: Any) -> tuple[bool, Any]:
    is_nan = isinstance(value, float) and math.isnan(value)
    return (not is_nan, 0.0 if is_nan else value)


def _compared(one: Filter, found: Any) -> bool | None:
    wanted: Any = one.value
    if one.operator is Operator.HAS:
        return wanted in found
    if one.operator is Operator.HASANY:
        return any(value in wanted for value in found)
    if one.operator is Operator.ISNULL:
        return (found is None) is wanted
    if one.operator in (Operator.SAME, Operator.DISTINCT):
        return (found is not None and found == wanted) is (one.operator is Operator.SAME)
    return None if found is None else _COMPARED[one.operator](found, wanted)


def values(contract: Contract, one: Filter, row: Row) -> Any:
    """Return what the comparison looks at in the row: a value, or of an array a list of them."""
    value: Any = row[contract.stored_columns.index(one.column)]
    column, is_many = one.column, isinstance(one.column.type, Array)
    for place, step in enumerate(one.within):
        if column.type is Scalar.JSON:
            return _member(value, one.within[place:])
        inner = [element[step.name] for element in value] if is_many else None
        value = inner if is_many else None if value is None else value[step.name]
        column, is_many = step, is_many or isinstance(step.type, Array)
    return value


def _member(text: Any, path: Sequence[Column]) -> Any:
    value = None if text is None else json.loads(text)
    for step in path:
        value = value.get(step.name) if isinstance(value, dict) else None
    if value is None or isinstance(value, dict | list):
        return None
    kind = path[-1].type
    written = value if isinstance(value, str) else json.dumps(value)
    try:
        return _MEMBERS[kind](written) if isinstance(kind, Scalar) else written
    except (ValueError, KeyError, ArithmeticError):
        return None


def _regular(pattern: str) -> str:
    parts = re.findall(r"\\(.)|(%)|(_)|(.)", pattern, re.DOTALL)
    return "".join(
        ".*" if several else "." if one else re.escape(escaped or plain)
        for escaped, several, one, plain in parts
    )
