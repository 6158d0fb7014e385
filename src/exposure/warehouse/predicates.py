"""Conditions on rows as SQL: the filters of a question, and the rows behind a position in its order.

The text follows from the shape of the conditions alone. Where the warehouses differ (NaN, patterns, what is
inside a column) a `PredicateDialect` makes them agree with `exposure.query.model`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Protocol

from exposure.contracts.model import Column
from exposure.contracts.types import Array, Scalar
from exposure.query.grammar import scalar_of
from exposure.query.model import Condition, Filter, Not, Operator, Or, Order, Row
from exposure.warehouse.bindings import Bindings

_COMPARISONS = {
    Operator.EQ: "=",
    Operator.NE: "!=",
    Operator.LT: "<",
    Operator.LTE: "<=",
    Operator.GT: ">",
    Operator.GTE: ">=",
    Operator.SAME: "IS NOT DISTINCT FROM",
    Operator.DISTINCT: "IS DISTINCT FROM",
}
_MEMBERSHIPS = (Operator.IN, Operator.NIN)
# How a member of JSON is written to count as a value of its type, in the syntax of RE2, which both warehouses
# use: https://github.com/google/re2/wiki/Syntax. Left to their casts, they would disagree.
_NUMBER = r"-?[0-9]+(?:[.][0-9]+)?(?:[eE][+-]?[0-9]{1,3})?"
WRITTEN = {
    Scalar.INTEGER: r"-?[0-9]{1,19}",
    Scalar.NUMBER: _NUMBER,
    Scalar.DECIMAL: _NUMBER,
    Scalar.BOOLEAN: r"true|false",
    Scalar.DATE: r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    Scalar.TIMESTAMP: (
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.][0-9]{1,6})?"
        r"(?:Z|[+-][0-9]{2}:[0-9]{2})"
    ),
}
_OF_ARRAYS = (Operator.HAS, Operator.HASANY)


class PredicateDialect(Protocol):
    """How one warehouse writes the conditions that differ. `operand` is always SQL, never a value."""

    def identifier(self, name: str) -> str:
        """Return the name quoted, whatever it holds."""

    def placeholder(self, name: str) -> str:
        """Return the reference to a named parameter."""

    def member(self, operand: str, placeholder: str) -> str:
        """Return the condition that the operand equals one of the array parameter's values."""

    def comparison(self, scalar: Scalar, operand: str, operator: str, placeholder: str) -> str:
        """Return the comparison with a value; NaN is other than it, and neither less nor greater."""

    def text_match(self, operator: Operator, operand: str, placeholder: str) -> str:
        """Return the condition of PREFIX, CONTAINS, ICONTAINS, LIKE or MATCH."""

    def pattern(self, operator: Operator, text: str) -> str:
        """Return the value to bind for what LIKE or MATCH is given in a `exposure.query.model.Filter`."""

    def json_member(self, operand: str, path: Sequence[str], scalar: Scalar) -> str:
        """Return a member of a JSON column as a value of the type, NULL when it is none."""

    def has(self, array: str, value_of: Callable[[str], str], placeholder: str) -> str:
        """Return whether an element's value equals the parameter; FALSE where there is no array."""

    def has_any(self, array: str, value_of: Callable[[str], str], placeholder: str) -> str:
        """Return whether an element's value is one of an array parameter's; FALSE where there is no array."""

    def is_nan(self, operand: str) -> str:
        """Return whether a number is NaN, NULL of NULL."""


class Predicates:
    """Writes the conditions of one statement, and binds their values."""

    def __init__(self, dialect: PredicateDialect, bindings: Bindings) -> None:
        self._dialect = dialect
        self._bindings = bindings

    def condition(self, one: Condition) -> str:
        """Return the condition as SQL that can stand beside others."""
        if isinstance(one, Filter):
            return self._filter(one)
        if isinstance(one, Not):
            return f"NOT ({self.condition(one.condition)})"
        joint = " OR " if isinstance(one, Or) else " AND "
        return f"({joint.join(self.condition(inner) for inner in one.conditions)})"

    def beyond(self, order: Sequence[Order], after: Row) -> str:
        """Return the condition of the rows behind a position.

        It is a conjunction with a bound on the first column alone: an OR on top would prune nothing.
        """
        first = _Step(self._dialect, order[0], after[0], self._position(order[0], after[0]))
        behind, from_here = first.behind(), first.from_here()
        if len(order) == 1:
            return behind or "FALSE"
        rest = self.beyond(order[1:], after[1:])
        either = f"({behind} OR {rest})" if behind else rest
        return f"({from_here} AND {either})" if from_here else either

    def _position(self, order: Order, value: object) -> str:
        return "" if value is None or _is_nan(value) else self._bind(scalar_of(order.column), value)

    def _bind(self, scalar: Scalar, value: object, *, is_array: bool = False) -> str:
        return self._dialect.placeholder(self._bindings.bind(scalar, value, is_array=is_array))

    def _filter(self, one: Filter) -> str:
        steps = (one.column, *one.within)
        if one.operator not in _OF_ARRAYS:
            return self._compared(one, self._operand(steps))
        at = next((at for at, step in enumerate(steps) if isinstance(step.type, Array)), None)
        if at is None:
            raise TypeError(f"column '{one.name}' holds no array")
        array, inner, leaf = self._operand(steps[: at + 1]), steps[at + 1 :], steps[-1].type
        scalar = _scalar(one, leaf.of if isinstance(leaf, Array) else leaf)
        value_of = functools.partial(inside, self._dialect, None, inner)
        if one.operator is Operator.HASANY:
            return self._dialect.has_any(array, value_of, self._bind(scalar, one.value, is_array=True))
        return self._dialect.has(array, value_of, self._bind(scalar, one.value))

    def _compared(self, one: Filter, operand: str) -> str:
        if one.operator is Operator.ISNULL:
            return f"{operand} IS NULL" if one.value else f"{operand} IS NOT NULL"
        scalar, dialect = _scalar(one, one.leaf.type), self._dialect
        if one.operator in _MEMBERSHIPS:
            member = dialect.member(operand, self._bind(scalar, one.value, is_array=True))
            return member if one.operator is Operator.IN else f"NOT ({member})"
        if one.operator in _COMPARISONS:
            sign = _COMPARISONS[one.operator]
            return dialect.comparison(scalar, operand, sign, self._bind(scalar, one.value))
        is_pattern = one.operator in (Operator.LIKE, Operator.MATCH)
        value = dialect.pattern(one.operator, str(one.value)) if is_pattern else one.value
        return dialect.text_match(one.operator, operand, self._bind(scalar, value))

    def _operand(self, steps: Sequence[Column]) -> str:
        return inside(self._dialect, steps[0], steps[1:], self._dialect.identifier(steps[0].name))


class _Step:
    """What one column of the order says of the rows behind a position; None says what says nothing."""

    def __init__(self, dialect: PredicateDialect, order: Order, value: object, bound: str) -> None:
        self._dialect = dialect
        self._order = order
        self._name = dialect.identifier(order.column.name)
        self._value = value
        self._bound = bound
        self._scalar = scalar_of(order.column)

    def behind(self) -> str | None:
        """Return the condition of the rows behind the value; None when there are none."""
        nulls = self._nulls_behind()
        if self._value is None:
            return f"{self._name} IS NOT NULL" if self._order.nulls_first else None
        if not _is_nan(self._value):
            sign = "<" if self._order.descending else ">"
            return _either(self._compared(sign), self._nans_behind(), nulls)
        # NaN is the least of the values.
        return nulls if self._order.descending else _either(f"NOT {self._dialect.is_nan(self._name)}", nulls)

    def from_here(self) -> str | None:
        """Return the condition of the rows at the value or behind it; None when all are."""
        nulls = self._nulls_behind()
        if self._value is None:
            return None if self._order.nulls_first else f"{self._name} IS NULL"
        if not _is_nan(self._value):
            sign = "<=" if self._order.descending else ">="
            return _either(self._compared(sign), self._nans_behind(), nulls)
        if self._order.descending:
            return _either(self._dialect.is_nan(self._name), nulls)
        return f"{self._name} IS NOT NULL" if self._order.nulls_first else None

    def _compared(self, sign: str) -> str:
        return self._dialect.comparison(self._scalar, self._name, sign, self._bound)

    def _nans_behind(self) -> str | None:
        is_last = self._scalar is Scalar.NUMBER and self._order.descending
        return self._dialect.is_nan(self._name) if is_last else None

    def _nulls_behind(self) -> str | None:
        is_last = self._order.column.nullable and not self._order.nulls_first
        return f"{self._name} IS NULL" if is_last else None


def inside(dialect: PredicateDialect, of: Column | None, inner: Sequence[Column], operand: str) -> str:
    """Return what the fields lead to, from the operand inwards; the rest behind JSON is one path."""
    if not inner:
        return operand
    if of is not None and of.type is Scalar.JSON:
        path = [step.name for step in inner]
        leaf = inner[-1].type
        return dialect.json_member(operand, path, leaf if isinstance(leaf, Scalar) else Scalar.JSON)
    return inside(dialect, inner[0], inner[1:], f"{operand}.{dialect.identifier(inner[0].name)}")


def order_item(dialect: PredicateDialect, order: Order) -> str:
    """Return the sort item of an order whose values the warehouse itself puts as the order does."""
    direction = "DESC" if order.descending else "ASC"
    nulls = "FIRST" if order.nulls_first else "LAST"
    return f"{dialect.identifier(order.column.name)} {direction} NULLS {nulls}"


def _either(*conditions: str | None) -> str:
    given = [one for one in conditions if one]
    return given[0] if len(given) == 1 else f"({' OR '.join(given)})"


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and value != value  # noqa: PLR0124 (what NaN is)


def _scalar(one: Filter, found: object) -> Scalar:
    if not isinstance(found, Scalar):
        raise TypeError(f"column '{one.name}' holds no single value")
    return found
