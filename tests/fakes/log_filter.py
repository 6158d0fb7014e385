"""Which entries of the log a filter of Cloud Logging selects, and what its extractors take from them.

As much of the language as the plans use, whatever it is used for; anything else raises SyntaxError.
Language: https://cloud.google.com/logging/docs/view/logging-query-language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Entry = Mapping[str, Any]
Predicate = Callable[[Entry], bool]

_TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|>=|<=|=~|[=<>:()]|[\w./-]+)')
_EXTRACT = re.compile(r"EXTRACT\(([\w.]+)\)")
_REGEXP_EXTRACT = re.compile(r'REGEXP_EXTRACT\(([\w.]+), "(.*)"\)', re.DOTALL)
_COMPARED: Mapping[str, Callable[[Any, str], bool]] = {
    "=": lambda found, asked: str(found) == asked,
    "=~": lambda found, asked: re.search(asked, str(found)) is not None,
    ":": lambda found, asked: asked in str(found),
    ">=": lambda found, asked: float(found) >= float(asked),
    "<": lambda found, asked: float(found) < float(asked),
}


def parse_filter(text: str) -> Predicate:
    """Return what tells whether an entry is selected."""
    reading = _Reading(text)
    predicate = reading.alternatives()
    reading.end()
    return predicate


def extract(extractor: str, entry: Entry) -> str | None:
    """Return what an extractor takes from an entry; None where there is nothing to take."""
    if found := _EXTRACT.fullmatch(extractor):
        value = _at(entry, found[1])
        return None if value is None else str(value)
    if found := _REGEXP_EXTRACT.fullmatch(extractor):
        taken = re.search(found[2], str(_at(entry, found[1])))
        return taken[1] if taken else None
    raise SyntaxError(extractor)


class _Reading:
    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.findall(text)
        if "".join(self._tokens) != re.sub(r'\s+(?=(?:[^"]*"[^"]*")*[^"]*$)', "", text):
            raise SyntaxError(text)

    def end(self) -> None:
        if self._tokens:
            raise SyntaxError(f"left over: {self._tokens}")

    def alternatives(self) -> Predicate:
        either = [self._conjunction()]
        while self._take("OR"):
            either.append(self._conjunction())
        return lambda entry: any(one(entry) for one in either)

    def _conjunction(self) -> Predicate:
        each = [self._comparison()]
        while self._take("AND"):
            each.append(self._comparison())
        return lambda entry: all(one(entry) for one in each)

    def _comparison(self) -> Predicate:
        if self._take("("):
            inner = self.alternatives()
            self._need(")")
            return inner
        path = self._tokens.pop(0)
        if path == "log_id":
            self._need("(")
            name = self._value()
            self._need(")")
            return lambda entry: entry["logName"] == name
        compare = _COMPARED[self._tokens.pop(0)]
        values = self._values()

        def is_selected(entry: Entry) -> bool:
            found = _at(entry, path)
            return found is not None and any(compare(found, value) for value in values)

        return is_selected

    def _values(self) -> list[str]:
        if not self._take("("):
            return [self._value()]
        values = [self._value()]
        while self._take("OR"):
            values.append(self._value())
        self._need(")")
        return values

    def _value(self) -> str:
        token: str = self._tokens.pop(0)
        return re.sub(r"\\(.)", r"\1", token[1:-1]) if token.startswith('"') else token

    def _take(self, token: str) -> bool:
        if self._tokens and self._tokens[0] == token:
            del self._tokens[0]
            return True
        return False

    def _need(self, token: str) -> None:
        if not self._take(token):
            raise SyntaxError(f"no {token} before {self._tokens}")


def _at(entry: Any, path: str) -> Any:
    for part in path.split("."):
        if not isinstance(entry, Mapping) or part not in entry:
            return None
        entry = entry[part]
    return entry
