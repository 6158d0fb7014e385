"""The names a request may use: what each means, and what to say of one that means nothing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from exposure.contracts.model import Contract
from exposure.contracts.types import Array, Object, describe
from exposure.query.errors import BadQuery, nearest, shown, wrong
from exposure.query.grammar import FOREIGN_WORDS, Place, comparable_columns, places
from exposure.query.model import Operator

_OPERATORS = frozenset(Operator)


@lru_cache(maxsize=256)
def names_of(contract: Contract, words: tuple[str, ...], *, filters: bool) -> Names:
    """Return the names of a contract, kept because making them takes longer than reading a question."""
    return Names(contract, words, filters=filters)


class Names:
    """What can be asked of one contract and the words that may stand beside it.

    `filters` tells whether columns can be filtered here: rows can, the one row of a key cannot.
    """

    def __init__(self, contract: Contract, words: Sequence[str], *, filters: bool) -> None:
        self.contract = contract
        self.words = tuple(words)
        self.stored = {column.name: column for column in contract.stored_columns}
        self.comparable = {column.name: column for column in comparable_columns(contract)}
        self.filterable = {place.name: place for place in places(contract)} if filters else {}

    def filter(self, name: str) -> tuple[Place, Operator]:
        """Return what a parameter filters by, and how; raises BadQuery when it is no filter."""
        path, _, operator = name.rpartition(".")
        place = self.filterable.get(path)
        if place is None or operator not in place.operators:
            raise self.unknown_parameter(name)
        return place, Operator(operator)

    def unknown_parameter(self, name: str) -> BadQuery:
        """Return what to say of a parameter that is neither a word of the grammar nor a filter."""
        path, dot, operator = name.rpartition(".")
        if name in self.filterable:
            place = self.filterable[name]
            message = f"'{name}' is a column; a filter names its operator too"
            return wrong(
                name, "MISSING_OPERATOR", message, allowed=_filters(place), suggestion=_filters(place)[0]
            )
        if path in self.filterable:
            return self._unknown_operator(name, self.filterable[path], operator)
        for one in (name, path):
            if one in self.stored and self.filterable:
                return self._not_comparable(name, one)
        if dot and operator in _OPERATORS and self.filterable:
            return self._unknown_path(name, path, operator)
        allowed = self.words
        return wrong(
            name,
            "UNKNOWN_PARAMETER",
            f"there is no parameter '{shown(name)}'",
            allowed=allowed,
            suggestion=self._meant(name),
        )

    def unknown_column(self, parameter: str, name: str, known: Sequence[str]) -> BadQuery:
        """Return what to say of a name in `select` or `order` that is no column it can take."""
        if name in self.stored:
            message = f"'{name}' is {describe(self.stored[name].type)}, which cannot be ordered by"
            return wrong(parameter, "NOT_COMPARABLE", message, allowed=tuple(known))
        message = f"there is no column '{shown(name)}'" if name else "a column's name is missing"
        suggestion = nearest(name.strip(), known)
        return wrong(parameter, "UNKNOWN_COLUMN", message, allowed=tuple(known), suggestion=suggestion)

    def fields_of(self, name: str) -> tuple[str, ...]:
        """Return what can be filtered by inside a column or field."""
        return tuple(one for one in self.filterable if one.startswith(f"{name}."))

    def _unknown_operator(self, name: str, place: Place, operator: str) -> BadQuery:
        message = f"'{place.name}' is {describe(place.leaf.type)} and has no operator '{shown(operator)}'"
        allowed, fields = _filters(place), self.fields_of(place.name)
        if fields:
            message += f"; it can be filtered by {', '.join(fields)}"
        return wrong(name, "UNKNOWN_OPERATOR", message, allowed=allowed, suggestion=nearest(name, allowed))

    def _not_comparable(self, name: str, column_name: str) -> BadQuery:
        column, fields = self.stored[column_name], self.fields_of(column_name)
        kind = column.type.of if isinstance(column.type, Array) else column.type
        instead = "; filter by its fields" if isinstance(kind, Object) and fields else ""
        message = f"'{column_name}' is {describe(column.type)}, which cannot be filtered{instead}"
        return wrong(name, "NOT_COMPARABLE", message, allowed=fields)

    def _unknown_path(self, name: str, path: str, operator: str) -> BadQuery:
        known = [one.name for one in self.filterable.values() if operator in one.operators]
        near = nearest(path, known) or nearest(path, self.filterable)
        return wrong(
            name,
            "UNKNOWN_COLUMN",
            f"there is no column '{shown(path)}'",
            allowed=tuple(f"{one}.{operator}" for one in known),
            suggestion=None if near is None else f"{near}.{self._offered(near, operator)}",
        )

    def _offered(self, path: str, operator: str) -> str:
        operators = self.filterable[path].operators
        return operator if operator in operators else operators[0].value

    def _meant(self, name: str) -> str | None:
        """Return the parameter probably meant by a name of another API or a slip of the pen."""
        foreign = FOREIGN_WORDS.get(name.casefold())
        if foreign in self.words:
            return foreign
        path, _, operator = name.replace("__", ".").rpartition(".")
        if path in self.filterable and operator in self.filterable[path].operators:
            return f"{path}.{operator}"
        near = nearest(name, (*self.words, *self.filterable))
        if near is None or near in self.words:
            return near
        return _filters(self.filterable[near])[0]


def _filters(place: Place) -> tuple[str, ...]:
    return tuple(f"{place.name}.{operator}" for operator in place.operators)
