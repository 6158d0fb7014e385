"""What a PromQL query finds in the series at a moment: as much of the language as the alerts use.

Of a metric read from logs, whose counter is zero where nothing was logged for a while. Anything else raises.
Language: https://prometheus.io/docs/prometheus/latest/querying/basics/.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence

from fakes.monitoring_series import SeriesStore

Vector = Mapping[tuple[tuple[str, str], ...], float]
_TOKEN = re.compile(r'\s*([A-Za-z_][\w:]*|"[^"]*"|\d+(?:\.\d+)?(?:m)?|!=|==|[{}()\[\],=<>+/])')
_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "/": operator.truediv,
}
_COMPARED: Mapping[str, Callable[[float, float], bool]] = {">": operator.gt, "==": operator.eq}
_MAPPED = "logging_googleapis_com:user_"


def answer(store: SeriesStore, query: str, at: float) -> Vector:
    """Return the query's result; it holds when there is any."""
    reading = _Reading(store, at, _TOKEN.findall(query))
    found = reading.expression()
    assert not reading.tokens, reading.tokens
    assert not isinstance(found, float)
    return found


class _Reading:
    def __init__(self, store: SeriesStore, at: float, tokens: Sequence[str]) -> None:
        self.tokens = list(tokens)
        self._store = store
        self._at = at

    def expression(self) -> Vector | float:
        """Read alternatives, the loosest that binds."""
        left = self._comparison()
        while self._take("or"):
            right = self._comparison()
            left = {**_vector(right), **_vector(left)}
        return left

    def _comparison(self) -> Vector | float:
        left = self._arithmetic("+", lambda: self._arithmetic("/", self._atom))
        for sign, compare in _COMPARED.items():
            if self._take(sign):
                limit = float(self.tokens.pop(0))
                return {labels: value for labels, value in _vector(left).items() if compare(value, limit)}
        return left

    def _arithmetic(self, sign: str, operand: Callable[[], Vector | float]) -> Vector | float:
        left = operand()
        while self._take(sign):
            right = _vector(operand())
            left = {
                labels: _ARITHMETIC[sign](value, right[labels])
                for labels, value in _vector(left).items()
                if labels in right and (sign != "/" or right[labels])
            }
        return left

    def _atom(self) -> Vector | float:
        token = self.tokens.pop(0)
        if token == "(":
            inner = self.expression()
            self._need(")")
            return inner
        if token == "vector":
            self._need("(")
            number = float(self.tokens.pop(0))
            self._need(")")
            return {(): number}
        assert token == "sum", token
        return self._sum()

    def _sum(self) -> Vector:
        by: list[str] = []
        if self._take("by"):
            self._need("(")
            by.append(self.tokens.pop(0))
            self._need(")")
        self._need("(")
        sums: dict[tuple[tuple[str, str], ...], float] = {}
        for labels, value in self._over_time():
            group = tuple((label, labels[label]) for label in by)
            sums[group] = sums.get(group, 0.0) + value
        self._need(")")
        return sums

    def _over_time(self) -> list[tuple[Mapping[str, str], float]]:
        function = self.tokens.pop(0)
        assert function in {"rate", "increase"}, function
        self._need("(")
        name, equal, unequal = self._selector()
        self._need("[")
        seconds = 60.0 * float(self.tokens.pop(0).removesuffix("m"))
        self._need("]")
        self._need(")")
        resource = equal.pop("monitored_resource")
        kind = f"logging.googleapis.com/user/{name.removeprefix(_MAPPED).removesuffix('_sum')}"
        return [
            (labels, sum(series.window(self._at, seconds)) / (seconds if function == "rate" else 1))
            for labels, series in self._store.of(kind, resource, {key: (v,) for key, v in equal.items()})
            # A series is there once it has begun.
            if series.times[0] <= self._at and all(labels.get(key) != v for key, v in unequal.items())
        ]

    def _selector(self) -> tuple[str, dict[str, str], dict[str, str]]:
        name = self.tokens.pop(0)
        assert name.startswith(_MAPPED), name
        equal: dict[str, str] = {}
        unequal: dict[str, str] = {}
        self._need("{")
        while not self._take("}"):
            label, sign, value = self.tokens.pop(0), self.tokens.pop(0), self.tokens.pop(0)
            {"=": equal, "!=": unequal}[sign][label] = value.strip('"')
            self._take(",")
        return name, equal, unequal

    def _take(self, token: str) -> bool:
        if self.tokens and self.tokens[0] == token:
            del self.tokens[0]
            return True
        return False

    def _need(self, token: str) -> None:
        assert self._take(token), f"no {token} before {self.tokens}"


def _vector(value: Vector | float) -> Vector:
    assert not isinstance(value, float)
    return value
