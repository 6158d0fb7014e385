"""Plausible messages of a contract, for trying things out: seeded, endless if asked, in constant memory.

Values follow the columns' examples. They are valid but mean nothing: totals do not add up, cities lie in
no country. Messages that are wrong on purpose are not made here.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Array, LogicalType, Object, Scalar

# What a column of this name usually holds; scripts and an emoji are among it, as in real data.
_FAMILIAR: dict[str, tuple[str, ...]] = {
    "channel": ("web", "app", "store"),
    "city": ("Madrid", "São Paulo", "Zürich", "Kraków", "東京", "القاهرة"),
    "currency": ("EUR", "EUR", "USD", "GBP"),
    "page": ("/home", "/precios", "/búsqueda?q=café", "/cart", "/about"),
    "street": ("Calle Mayor 1", "Rua Augusta 204", "Bahnhofstraße 7", "ul. Długa 12", "銀座 4-6-16"),
    "tags": ("gift", "express", "frágil", "vip ⭐"),
}
_WORDS = ("alpha", "bravo", "café", "naïve", "Straße", "данные", "数据", "🙂")
_DIGITS = re.compile(r"[0-9]+")
_PLAIN_DECIMAL = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?")
_ABSENT, _NULL = 0.1, 0.2
_ELEMENTS = 4
_DAYS_AHEAD = 14
_KEY_BITS = 48
# Odd, so that multiplying by it modulo a power of two takes no value twice.
_SCATTER = 0x9E3779B97F4B
_LARGEST_INTEGER_EXAMPLE = 10**6


@dataclass(frozen=True)
class SampleOptions:
    """How many messages, which ones, and when they happened: the first at `start`, then one every `step`.

    The same options give the same messages; another seed gives other values and other keys.
    """

    rows: int
    seed: int
    start: datetime
    step: timedelta = timedelta(milliseconds=50)


@dataclass
class _Draw:
    """What the values of one message are made from."""

    random: random.Random
    event_time: datetime


Generator = Callable[[_Draw], object]


def sample_messages(contract: Contract, options: SampleOptions) -> Iterator[dict[str, object]]:
    """Yield messages, ready for `json.dumps`, ordered by event time; no two have the same key."""
    draw = _Draw(random.Random(options.seed), options.start)  # noqa: S311 (sample data, no secrets)
    message = _object([column for column in contract.columns if column.name != contract.key])
    key = _keys(contract.key_column, draw.random.getrandbits(_KEY_BITS))
    for number in range(options.rows):
        draw.event_time = options.start + number * options.step
        values = message(draw)
        yield {contract.key: key(number), **values, contract.event_time: _instant(draw.event_time)}


def _keys(column: Column, offset: int) -> Callable[[int], object]:
    """Return what makes the key of the message of that number: scattered, and never the same twice."""
    mask = 2**_KEY_BITS - 1
    if column.type is Scalar.INTEGER:
        return lambda number: (number * _SCATTER + offset) & mask
    prefix = column.example.rstrip("0123456789") if isinstance(column.example, str) else ""
    return lambda number: f"{prefix}{(number * _SCATTER + offset) & mask:012x}"


def _object(columns: Sequence[Column]) -> Callable[[_Draw], dict[str, object]]:
    fields = [(column.name, _presence(column), _generator(column)) for column in columns]

    def generate(draw: _Draw) -> dict[str, object]:
        values: dict[str, object] = {}
        chance = draw.random.random
        for name, (absent, null), generator in fields:
            if null:
                luck = chance()
                if luck < absent:
                    continue
                if luck < null:
                    values[name] = None
                    continue
            values[name] = generator(draw)
        return values

    return generate


def _presence(column: Column) -> tuple[float, float]:
    """Return the chance that the column is left out, and the chance that it is left out or null."""
    if column.nullable:
        return _ABSENT, _NULL
    return (_ABSENT, _ABSENT) if isinstance(column.type, Array) else (0.0, 0.0)


def _generator(column: Column) -> Generator:
    return _of_type(column.type, column.name, column.example)


def _of_type(logical_type: LogicalType, name: str, example: Any) -> Generator:
    if isinstance(logical_type, Object):
        return _object(logical_type.fields)
    if isinstance(logical_type, Array):
        first = example[0] if isinstance(example, list) and example else None
        element = _of_type(logical_type.of, name, first)
        return lambda draw: [element(draw) for _ in range(int(draw.random.random() * _ELEMENTS))]
    return _SCALARS[logical_type](name, example)


def _string(name: str, example: Any) -> Generator:
    if name in _FAMILIAR or not isinstance(example, str):
        words = _FAMILIAR.get(name, _WORDS)
        return lambda draw: words[int(draw.random.random() * len(words))]
    document = _document_in(example)
    if document is not None:
        value = _json_value(name, document)
        return lambda draw: json.dumps(value(draw), ensure_ascii=False)
    return _like(example)


def _like(example: str) -> Generator:
    """Return strings like the example: other digits in the places of its digits."""
    parts, widths = _DIGITS.split(example), [len(run) for run in _DIGITS.findall(example)]
    if not widths:
        return lambda _: example
    template = "".join(
        part.replace("%", "%%") + f"%0{width}d" for part, width in zip(parts, widths, strict=False)
    ) + parts[-1].replace("%", "%%")
    limits = [10**width for width in widths]
    return lambda draw: template % tuple(int(draw.random.random() * limit) for limit in limits)


def _document_in(text: str) -> object | None:
    """Return the object or array the text is JSON of, or None."""
    if not text.startswith(("{", "[")):
        return None
    try:
        value: object = json.loads(text)
    except ValueError:
        return None
    return value


def _json(name: str, example: Any) -> Generator:
    if example is None:
        example = {"note": "alpha", "count": 1, "nested": [True, None]}
    return _json_value(name, example)


def _json_value(name: str, example: Any) -> Generator:
    """Return JSON values shaped like the example."""
    if isinstance(example, dict):
        fields = [(key, _json_value(key, value)) for key, value in example.items()]
        return lambda draw: {key: value(draw) for key, value in fields}
    if isinstance(example, list):
        elements = [_json_value(name, value) for value in example]
        return lambda draw: [element(draw) for element in elements]
    if isinstance(example, bool):
        return _boolean(name, example)
    if isinstance(example, int):
        return _integer(name, example)
    if isinstance(example, float):
        return _number(name, example)
    return _string(name, example) if isinstance(example, str) else lambda _: example


def _integer(_: str, example: Any) -> Generator:
    top = 2 * example if isinstance(example, int) and example > 0 else _LARGEST_INTEGER_EXAMPLE
    return lambda draw: 1 + int(draw.random.random() * top)


def _number(_: str, example: Any) -> Generator:
    around = float(example) if isinstance(example, int | float) and math.isfinite(example) else 100.0
    return lambda draw: round(around * (0.5 + draw.random.random()), 4)


def _decimal(_: str, example: Any) -> Generator:
    """Return decimals as text, exact, with as many digits after the point as the example has."""
    parts = _PLAIN_DECIMAL.fullmatch(str(example))
    whole, fraction = (parts[1], parts[2] or "") if parts else ("100", "00")
    places = len(fraction)
    top = 2 * int(whole + fraction) or 1

    def generate(draw: _Draw) -> object:
        digits = str(int(draw.random.random() * top)).rjust(places + 1, "0")
        return f"{digits[:-places]}.{digits[-places:]}" if places else digits

    return generate


def _boolean(_: str, __: Any) -> Generator:
    return lambda draw: draw.random.random() < 0.5


def _date(_: str, __: Any) -> Generator:
    def generate(draw: _Draw) -> object:
        days = int(draw.random.random() * _DAYS_AHEAD)
        return (draw.event_time + timedelta(days=days)).date().isoformat()

    return generate


def _timestamp(_: str, __: Any) -> Generator:
    return lambda draw: _instant(draw.event_time)


def _instant(value: datetime) -> str:
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


_SCALARS: dict[Scalar, Callable[[str, Any], Generator]] = {
    Scalar.STRING: _string,
    Scalar.INTEGER: _integer,
    Scalar.NUMBER: _number,
    Scalar.DECIMAL: _decimal,
    Scalar.BOOLEAN: _boolean,
    Scalar.DATE: _date,
    Scalar.TIMESTAMP: _timestamp,
    Scalar.JSON: _json,
}
