"""Facets: how often each value of a column is there, the most frequent first; one question for several."""

from __future__ import annotations

from collections.abc import Iterable

from exposure.contracts.model import Contract
from exposure.query.aggregate import Aggregation, Function, Group, GroupOrder, Measure
from exposure.query.aggregate_grammar import (
    COLUMNS,
    DEFAULT_FACET_TOP,
    FACET_PARAMETERS,
    MAX_FACET_TOP,
    MAX_FACETS,
    TOP,
)
from exposure.query.aggregate_names import GroupNames, group_names
from exposure.query.aggregate_words import each_name, parse_top, without_foreign
from exposure.query.errors import wrong
from exposure.query.names import names_of
from exposure.query.parse import Attempts, part_parameters

_ROWS = Measure(Function.COUNT)


def parse_facets(contract: Contract, parameters: Iterable[tuple[str, str]]) -> Aggregation:
    """Return the question how often each value of some columns is there, the most frequent first.

    Raises BadQuery.
    """
    known, attempts = group_names(contract), Attempts()
    names = names_of(contract, FACET_PARAMETERS, filters=True)
    words, filters = part_parameters(names, without_foreign(names, list(parameters), attempts), attempts)
    groups = attempts.make(lambda: _facet_columns(known, words.get(COLUMNS)), ())
    top = attempts.make(
        lambda: parse_top(words.get(TOP), DEFAULT_FACET_TOP, MAX_FACET_TOP), DEFAULT_FACET_TOP
    )
    attempts.raise_errors()
    return Aggregation(
        contract=contract,
        filters=tuple(filters),
        groups=groups,
        measures=(_ROWS,),
        order=(GroupOrder(_ROWS, descending=True), *(GroupOrder(group) for group in groups)),
        top=top,
        apart=True,
    )


def _facet_columns(known: GroupNames, text: str | None) -> tuple[Group, ...]:
    plain = tuple(name for name, group in known.groups.items() if group.unit is None)
    if text is None:
        message = f"'{COLUMNS}' says whose values to count"
        raise wrong(COLUMNS, "MISSING_PARAMETER", message, allowed=plain)
    groups = each_name(known.group, COLUMNS, text, MAX_FACETS)
    for group in groups:
        if group.unit is not None:
            message = f"'{COLUMNS}' takes columns, not buckets of them"
            raise wrong(COLUMNS, "UNKNOWN_COLUMN", message, allowed=plain, suggestion=group.path)
    return groups
