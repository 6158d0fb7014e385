"""From the parameters of a request to an `Aggregation`, or to everything that is wrong with them.

As strict as `exposure.query.parse`, whose filters these are: what is unknown, mistyped, given twice or
without effect is refused before the warehouse is asked.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from exposure.contracts.model import Column, Contract
from exposure.query.aggregate import Aggregation, Function, Group, GroupOrder, Having, Measure
from exposure.query.aggregate_fill import parse_fill, parse_timezone, refuse_idle_timezone
from exposure.query.aggregate_grammar import (
    AGGREGATE_PARAMETERS,
    DEFAULT_TOP,
    FILL,
    GROUP,
    HAVING,
    HAVING_OPERATORS,
    MAX_FILLED,
    MAX_GROUPS,
    MAX_MEASURES,
    MAX_TOP,
    MEASURES,
    TIMEZONE,
    TOP,
)
from exposure.query.aggregate_names import GroupNames, group_names
from exposure.query.aggregate_words import Pairs, each_name, parse_top, without_foreign
from exposure.query.errors import BadQuery, ParameterError, nearest, shown, wrong
from exposure.query.filters import parse_column_value
from exposure.query.grammar import MAX_FILTERS, MAX_ORDER_COLUMNS, ORDER
from exposure.query.model import Condition, Query
from exposure.query.names import Names, names_of
from exposure.query.parse import Attempts, part_parameters

_ROWS = Measure(Function.COUNT)
_PREFIX = f"{HAVING}."


@dataclass(frozen=True)
class _Said:
    """What the parameters say one by one, before they are looked at together."""

    words: dict[str, str]
    filters: tuple[Condition, ...]
    groups: tuple[Group, ...]
    measures: tuple[Measure, ...]
    having: tuple[Having, ...]


def parse_aggregation(contract: Contract, parameters: Iterable[tuple[str, str]]) -> Aggregation:
    """Return the question the parameters, in the order of the URL, ask of the contract's groups of rows.

    Without `measures` rows are counted, without `group` all rows are one group. Raises BadQuery.
    """
    known, attempts = group_names(contract), Attempts()
    said = _say(contract, known, list(parameters), attempts)
    timezone = attempts.make(lambda: parse_timezone(said.words.get(TIMEZONE)), "")
    top = attempts.make(lambda: parse_top(said.words.get(TOP), DEFAULT_TOP, MAX_TOP), DEFAULT_TOP)
    order = attempts.make(lambda: _order(known, said), ())
    attempts.raise_errors()
    attempts.make(lambda: refuse_idle_timezone(said.words.get(TIMEZONE), said.groups), None)
    attempts.make(lambda: _refuse_beside_fill(said), None)
    filled = attempts.make(
        lambda: parse_fill(said.words.get(FILL), said.groups, said.filters, timezone), None
    )
    attempts.raise_errors()
    return Aggregation(
        contract=contract,
        filters=said.filters,
        groups=said.groups,
        measures=said.measures,
        order=order if filled is None else _by_series(said.groups),
        top=top if filled is None else MAX_FILLED,
        having=said.having,
        timezone=timezone,
        filled=filled,
    )


def count_rows(question: Query | Aggregation) -> Aggregation:
    """Return the question how many rows meet the filters of another, at its snapshot."""
    return Aggregation(question.contract, question.filters, (), (_ROWS,), (), 1, snapshot=question.snapshot)


def _say(contract: Contract, known: GroupNames, parameters: Pairs, attempts: Attempts) -> _Said:
    names = names_of(contract, AGGREGATE_PARAMETERS, filters=True)
    conditions = [one for one in parameters if _is_having(names, one[0])]
    others = [one for one in parameters if not _is_having(names, one[0])]
    _bound(names, parameters)
    words, filters = part_parameters(names, without_foreign(names, others, attempts), attempts)
    having = [attempts.make(functools.partial(_having, known, name, text), None) for name, text in conditions]
    measures = words.get(MEASURES, _ROWS.name)
    return _Said(
        words=words,
        filters=tuple(filters),
        groups=attempts.make(lambda: _groups(known, words.get(GROUP)), ()),
        measures=attempts.make(lambda: each_name(known.measure, MEASURES, measures, MAX_MEASURES), ()),
        having=tuple(one for one in having if one is not None),
    )


def _is_having(names: Names, name: str) -> bool:
    """Return whether a parameter is a condition on a measure: a column might be called `having`."""
    rest = name.removeprefix(_PREFIX)
    is_measure = ":" in rest or rest.startswith(f"{_ROWS.name}.") or HAVING not in names.stored
    return name.startswith(_PREFIX) and is_measure


def _bound(names: Names, parameters: Pairs) -> None:
    conditions = [name for name, _ in parameters if name not in names.words]
    if len(conditions) > MAX_FILTERS:
        message = f"a question has {MAX_FILTERS} filters and conditions at most, this one {len(conditions)}"
        raise wrong(conditions[MAX_FILTERS], "TOO_MANY_FILTERS", message)


def _having(known: GroupNames, name: str, text: str) -> Having:
    measure_name, _, operator = name.removeprefix(_PREFIX).rpartition(".")
    if not measure_name:
        allowed = tuple(f"{name}.{one}" for one in HAVING_OPERATORS)
        raise wrong(name, "MISSING_OPERATOR", f"'{shown(name)}' names no operator", allowed=allowed)
    measure = known.measure(shown(name), measure_name)
    if operator not in HAVING_OPERATORS:
        allowed = tuple(f"{_PREFIX}{measure_name}.{one}" for one in HAVING_OPERATORS)
        message = f"a measure has no operator '{shown(operator)}'"
        suggestion = nearest(name, allowed)
        raise wrong(name, "UNKNOWN_OPERATOR", message, allowed=allowed, suggestion=suggestion)
    if not text:
        raise wrong(name, "EMPTY_VALUE", f"'{name}' has no value")
    [comparison] = (one for one in HAVING_OPERATORS if one == operator)
    return Having(measure, comparison, parse_column_value(name, Column("value", measure.type), text))


def _groups(known: GroupNames, text: str | None) -> tuple[Group, ...]:
    return () if text is None else each_name(known.group, GROUP, text, MAX_GROUPS)


def _order(known: GroupNames, said: _Said) -> tuple[GroupOrder, ...]:
    """Return the order, ending with every group, so that it is total."""
    text = said.words.get(ORDER)
    find = functools.partial(_sortable, known, said.groups)
    entries = [] if text is None else text.split(",")
    sorted_by = (
        each_name(find, ORDER, ",".join(one.removeprefix("-") for one in entries), MAX_ORDER_COLUMNS)
        if entries
        else ()
    )
    orders = tuple(
        GroupOrder(by, descending=entry.startswith("-")) for by, entry in zip(sorted_by, entries, strict=True)
    )
    return (*orders, *(GroupOrder(group) for group in said.groups if group not in sorted_by))


def _sortable(known: GroupNames, groups: Sequence[Group], parameter: str, name: str) -> Group | Measure:
    for group in groups:
        if group.name == name:
            return group
    if name in known.groups:
        allowed = (*(group.name for group in groups), _ROWS.name)
        message = f"'{name}' is no group of this question, so groups have no order by it"
        raise wrong(parameter, "NOT_GROUPED", message, allowed=allowed)
    return known.measure(parameter, name)


def _by_series(groups: Sequence[Group]) -> tuple[GroupOrder, ...]:
    """Return the order in which the buckets of what else is grouped by stand together."""
    return tuple(GroupOrder(group) for group in sorted(groups, key=lambda group: group.unit is not None))


def _refuse_beside_fill(said: _Said) -> None:
    """Refuse, beside `fill`, what would leave out groups: they would come back as zeros that are none."""
    if FILL not in said.words:
        return
    beside = [word for word in (ORDER, TOP) if word in said.words]
    beside += [HAVING] if said.having else []
    message = f"'{FILL}' gives every bucket in the order of time; it is not combined with "
    errors = [ParameterError(word, "NOT_WITH_FILL", f"{message}'{word}'") for word in beside]
    if errors:
        raise BadQuery(errors)
