"""Filters as a URL writes them: `column.operator=value`, read by the type of what is compared."""

from __future__ import annotations

import re
from collections.abc import Sequence

from exposure.contracts.model import Column
from exposure.contracts.types import Scalar
from exposure.query.errors import BadQuery, ParameterError, shown, wrong
from exposure.query.grammar import (
    LIST_OPERATORS,
    MAX_IN_VALUES,
    MAX_LIKE_WILDCARDS,
    Place,
    scalar_of,
)
from exposure.query.model import Filter, Operator
from exposure.query.names import Names
from exposure.query.regular import mistake_in
from exposure.query.values import EXPECTED, parse_value, suggest_value

# One value of a list and what ends it. https://www.rfc-editor.org/rfc/rfc4180#section-2
_LIST_VALUE = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\Z)')
# A list of rubbish is told from its beginning; the answer stays short.
_WRONG_VALUES_NAMED = 10
# Whatever stands behind a backslash stands for itself; to no dialect does one at the end mean anything.
_PATTERN = re.compile(r"(?:[^\\]|\\[\\%_])*", re.DOTALL)


def parse_filter(names: Names, name: str, text: str) -> Filter:
    """Return the condition a parameter sets; raises BadQuery with everything wrong with it."""
    place, operator = names.filter(name)
    if operator in LIST_OPERATORS:
        return parse_comparison(name, place, operator, _list_texts(name, text))
    return parse_comparison(name, place, operator, (text,))


def parse_comparison(name: str, place: Place, operator: Operator, texts: Sequence[str]) -> Filter:
    """Return the comparison with these texts: several for a list, else one; raises BadQuery.

    `name` is what the errors call it.
    """
    if operator in LIST_OPERATORS:
        return place.filter(operator, _values(name, place, texts))
    [text] = texts
    scalar = Scalar.BOOLEAN if operator is Operator.ISNULL or place.scalar is None else place.scalar
    if not text:
        raise wrong(name, "EMPTY_VALUE", f"'{name}' has no value; it needs {EXPECTED[scalar]}")
    value = _value(name, scalar, text)
    if operator is Operator.LIKE:
        _check_pattern(name, text)
    if operator is Operator.MATCH and (mistake := mistake_in(text)):
        message = f"'{name}' needs a regular expression in RE2's syntax without flags; {mistake}"
        raise wrong(name, "WRONG_VALUE", message)
    return place.filter(operator, value)


def parse_column_value(parameter: str, column: Column, text: str) -> object:
    """Return the column's Python value of the text; raises BadQuery."""
    return _value(parameter, scalar_of(column), text)


def _value(parameter: str, scalar: Scalar, text: str) -> object:
    try:
        return parse_value(scalar, text)
    except ValueError as error:
        message = f"'{shown(parameter)}' needs {EXPECTED[scalar]}, not '{shown(text)}'"
        suggestion = suggest_value(scalar, text)
        raise wrong(parameter, "WRONG_VALUE", message, suggestion=suggestion) from error


def _check_pattern(name: str, text: str) -> None:
    if not _PATTERN.fullmatch(text):
        message = f"'{name}': a backslash stands before %, _ or another backslash, which then mean themselves"
        raise wrong(name, "WRONG_VALUE", message)
    if len(re.findall("%+", text)) > MAX_LIKE_WILDCARDS:
        message = f"'{name}' takes {MAX_LIKE_WILDCARDS} % at most; use '{Operator.CONTAINS}' for one text"
        raise wrong(name, "WRONG_VALUE", message)


def _values(name: str, place: Place, texts: Sequence[str]) -> tuple[object, ...]:
    if len(texts) > MAX_IN_VALUES:
        message = f"'{name}' takes {MAX_IN_VALUES} values at most, not {len(texts)}"
        raise wrong(name, "TOO_MANY_VALUES", message)
    scalar = place.scalar or Scalar.STRING
    values: list[object] = []
    errors: list[ParameterError] = []
    for one in texts:
        try:
            values.append(_value(name, scalar, one))
        except BadQuery as bad:
            errors.extend(bad.errors)
        if len(errors) == _WRONG_VALUES_NAMED:
            break
    if errors:
        raise BadQuery(errors)
    return tuple(values)


def _list_texts(name: str, text: str) -> list[str]:
    """Return the values between the commas; one in double quotes may hold commas, quotes or nothing."""
    texts: list[str] = []
    position, separator = 0, ","
    while separator:
        match = _LIST_VALUE.match(text, position)
        if match is None:
            message = f"'{name}': a value of the list that holds quotes or line breaks needs double quotes"
            raise wrong(name, "WRONG_VALUE", f"{message} around it, doubled inside")
        quoted, plain, separator = match.groups()
        if quoted is None and not plain:
            message = f"'{name}' has an empty value in its list; the empty text is written \"\""
            raise wrong(name, "EMPTY_VALUE", message)
        texts.append(plain if quoted is None else quoted.replace('""', '"'))
        position = match.end()
    return texts
