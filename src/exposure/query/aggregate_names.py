"""The groups and measures of one contract by their names, and what to say of a name that is none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from exposure.contracts.model import Contract
from exposure.contracts.types import describe
from exposure.query.aggregate import (
    PERCENTILES,
    SEPARATOR,
    Function,
    Group,
    Measure,
    grouped_places,
    groups_of,
    measures_of,
)
from exposure.query.errors import BadQuery, nearest, shown, wrong

_FUNCTIONS = (
    *(one.value for one in Function if one is not Function.PERCENTILE),
    *(f"{Function.PERCENTILE}{one}" for one in PERCENTILES),
)


@lru_cache(maxsize=256)
def group_names(contract: Contract) -> GroupNames:
    """Return the names of a contract, made when they are first asked for: there are hundreds of them."""
    return GroupNames(contract)


class GroupNames:
    """What rows of a contract can be grouped by and what can be measured of them, by name."""

    def __init__(self, contract: Contract) -> None:
        places = grouped_places(contract)
        self._kinds = {column.name: column.type for column in contract.stored_columns}
        self._kinds |= {place.name: place.leaf.type for place in places}
        groups = (group for place in places for group in groups_of(place))
        measures = (measure for place in places for measure in measures_of(place))
        self.groups: Mapping[str, Group] = {group.name: group for group in groups}
        rows = Measure(Function.COUNT)
        self.measures: Mapping[str, Measure] = {rows.name: rows} | {one.name: one for one in measures}

    def group(self, parameter: str, name: str) -> Group:
        """Return the group of that name; raises BadQuery."""
        if name in self.groups:
            return self.groups[name]
        column = name.partition(SEPARATOR)[0]
        if column not in self._kinds:
            raise self._unknown_column(parameter, column, name, self.groups)
        allowed = _of_column(column, self.groups, first=True)
        kind = describe(self._kinds[column])
        if not allowed:
            raise wrong(parameter, "NOT_GROUPABLE", f"'{column}' is {kind}, which cannot be grouped by")
        message = f"'{column}' is {kind} and is not grouped as '{shown(name)}'"
        raise wrong(parameter, "UNKNOWN_UNIT", message, allowed=allowed, suggestion=nearest(name, allowed))

    def measure(self, parameter: str, name: str) -> Measure:
        """Return the measure of that name; raises BadQuery."""
        if name in self.measures:
            return self.measures[name]
        function, _, column = name.partition(SEPARATOR)
        if function not in _FUNCTIONS:
            message = f"there is no measure '{shown(function)}'" if name else "a measure's name is missing"
            suggestion = nearest(name, self.measures)
            raise wrong(parameter, "UNKNOWN_MEASURE", message, allowed=_FUNCTIONS, suggestion=suggestion)
        if column not in self._kinds:
            raise self._unknown_column(parameter, column, name, self.measures)
        allowed = _of_column(column, self.measures, first=False)
        message = f"'{column}' is {describe(self._kinds[column])} and has no measure '{function}'"
        raise wrong(parameter, "NOT_MEASURABLE", message, allowed=allowed)

    def _unknown_column(self, parameter: str, column: str, name: str, known: Iterable[str]) -> BadQuery:
        message = f"there is no column '{shown(column)}'" if column else "a column's name is missing"
        return wrong(
            parameter,
            "UNKNOWN_COLUMN",
            message,
            allowed=tuple(self._kinds),
            suggestion=nearest(name.strip(), known),
        )


def _of_column(column: str, names: Iterable[str], *, first: bool) -> tuple[str, ...]:
    at = 0 if first else -1
    return tuple(name for name in names if name.split(SEPARATOR)[at] == column and name != Function.COUNT)
