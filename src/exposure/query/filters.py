"""Filters as a URL writes them: `column.operator=value`, read by the column's type."""

from __future__ import annotations

import re

from exposure.contracts.model import Column
from exposure.query.errors import BadQuery, ParameterError, shown, wrong
from exposure.query.grammar import MAX_IN_VALUES, operators_of, scalar_of
from exposure.query.model import Filter, Operator
from exposure.query.names import Names
from exposure.query.values import EXPECTED, parse_value, suggest_value

# One value of a list and what ends it. https://www.rfc-editor.org/rfc/rfc4180#section-2
_LIST_VALUE = re.compile(r'(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\Z)')
# A list of rubbish is told from its beginning; the answer stays short.
_WRONG_VALUES_NAMED = 10


def parse_filter(names: Names, name: str, text: str) -> Filter:
    """Return the condition a parameter sets; raises BadQuery with everything wrong with it."""
    column_name, _, operator = name.rpartition(".")
    column = names.filterable.get(column_name)
    if column is None or operator not in operators_of(column.type):
        raise names.unknown_parameter(name)
    if operator == Operator.IN:
        return Filter(column, Operator.IN, _list(name, column, text))
    if not text:
        raise wrong(name, "EMPTY_VALUE", f"'{name}' has no value; it needs {EXPECTED[scalar_of(column)]}")
    return Filter(column, Operator(operator), parse_column_value(name, column, text))


def parse_column_value(parameter: str, column: Column, text: str) -> object:
    """Return the column's Python value of the text; raises BadQuery."""
    scalar = scalar_of(column)
    try:
        return parse_value(scalar, text)
    except ValueError as error:
        message = f"'{shown(parameter)}' needs {EXPECTED[scalar]}, not '{shown(text)}'"
        suggestion = suggest_value(scalar, text)
        raise wrong(parameter, "WRONG_VALUE", message, suggestion=suggestion) from error


def _list(name: str, column: Column, text: str) -> tuple[object, ...]:
    texts = _list_texts(name, text)
    if len(texts) > MAX_IN_VALUES:
        message = f"'{name}' takes {MAX_IN_VALUES} values at most, not {len(texts)}"
        raise wrong(name, "TOO_MANY_VALUES", message)
    values: list[object] = []
    errors: list[ParameterError] = []
    for one in texts:
        try:
            values.append(parse_column_value(name, column, one))
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
