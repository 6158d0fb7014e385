"""The names a request may use: what each means, and what to say of one that means nothing."""

from __future__ import annotations

from collections.abc import Sequence

from exposure.contracts.model import Contract
from exposure.contracts.types import describe
from exposure.query.errors import BadQuery, nearest, shown, wrong
from exposure.query.grammar import FOREIGN_WORDS, comparable_columns, operators_of
from exposure.query.model import Operator

_OPERATORS = frozenset(Operator)


class Names:
    """The columns of one contract and the words that may stand beside them.

    `filters` tells whether columns can be filtered here: rows can, the one row of a key cannot.
    """

    def __init__(self, contract: Contract, words: Sequence[str], *, filters: bool) -> None:
        self.contract = contract
        self.words = tuple(words)
        self.stored = {column.name: column for column in contract.stored_columns}
        self.comparable = {column.name: column for column in comparable_columns(contract)}
        self.filterable = self.comparable if filters else {}

    def unknown_parameter(self, name: str) -> BadQuery:
        """Return what to say of a parameter that is neither a word of the grammar nor a filter."""
        column_name, dot, operator = name.rpartition(".")
        if name in self.filterable:
            message = f"'{name}' is a column; a filter names its operator too"
            return self._unknown(name, "MISSING_OPERATOR", message, f"{name}.eq")
        if column_name in self.filterable:
            return self._unknown_operator(name, column_name, operator)
        root = name.partition(".")[0]
        if root in self.stored and root not in self.comparable and self.filterable:
            message = f"'{root}' is {describe(self.stored[root].type)}, which cannot be filtered"
            return self._unknown(name, "NOT_COMPARABLE", message, None)
        if dot and operator in _OPERATORS and self.filterable:
            near = nearest(column_name, self.filterable)
            message = f"there is no column '{shown(column_name)}'"
            return self._unknown(name, "UNKNOWN_COLUMN", message, f"{near}.{operator}" if near else None)
        foreign = FOREIGN_WORDS.get(name.casefold())
        suggestion = foreign if foreign in self.words else nearest(name, self._parameters())
        return self._unknown(name, "UNKNOWN_PARAMETER", f"there is no parameter '{shown(name)}'", suggestion)

    def unknown_column(self, parameter: str, name: str, known: Sequence[str]) -> BadQuery:
        """Return what to say of a name in `select` or `order` that is no column it can take."""
        if name in self.stored:
            message = f"'{name}' is {describe(self.stored[name].type)}, which cannot be ordered by"
            return wrong(parameter, "NOT_COMPARABLE", message, allowed=tuple(known))
        message = f"there is no column '{shown(name)}'" if name else "a column's name is missing"
        suggestion = nearest(name.strip(), known)
        return wrong(parameter, "UNKNOWN_COLUMN", message, allowed=tuple(known), suggestion=suggestion)

    def _unknown_operator(self, name: str, column_name: str, operator: str) -> BadQuery:
        column = self.filterable[column_name]
        allowed = tuple(f"{column_name}.{one}" for one in operators_of(column.type))
        message = f"'{column_name}' is {describe(column.type)} and has no operator '{shown(operator)}'"
        suggestion = nearest(name, allowed)
        return wrong(name, "UNKNOWN_OPERATOR", message, allowed=allowed, suggestion=suggestion)

    def _unknown(self, name: str, code: str, message: str, suggestion: str | None) -> BadQuery:
        return wrong(name, code, message, allowed=self._parameters(), suggestion=suggestion)

    def _parameters(self) -> tuple[str, ...]:
        filters = (
            f"{column.name}.{operator}"
            for column in self.filterable.values()
            for operator in operators_of(column.type)
        )
        return (*self.words, *filters)
