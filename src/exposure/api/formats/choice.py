"""Which format a request wants: by `format=`, else by `Accept`, and what it chooses within it.

| word               | of     | means                                                         |
|--------------------|--------|---------------------------------------------------------------|
| `format`           | all    | the format by its name, before whatever `Accept` says         |
| `shape`            | JSON   | `objects` (if not given), `arrays` or `columns`               |
| `end_record=true`  | NDJSON | a last line that counts and seals the others                  |
| `csv_safe=true`    | CSV    | no text that a spreadsheet would run as a formula             |
| `bom=true`         | CSV    | a byte order mark first, by which spreadsheets recognize UTF-8 |

A word that asks something of another format than the one answered is refused: it would be ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from exposure.api.formats.format import Format, Options, Shape, Writer
from exposure.api.formats.offered import FORMATS, format_of
from exposure.api.negotiate import choose
from exposure.api.problems import NOT_ACCEPTABLE, Problem
from exposure.contracts.model import Column
from exposure.query.errors import BadQuery, ParameterError, nearest, shown, wrong
from exposure.query.grammar import FORMAT, REPRESENTATION, SHAPE

_TRUTHS = {"true": True, "false": False}


@dataclass(frozen=True)
class Choice:
    """The format to answer in, under which of its media types, and how it is written."""

    format: Format
    media_type: str
    options: Options

    @property
    def content_type(self) -> str:
        """Return the value of the Content-Type header."""
        return self.format.content_type(self.media_type)

    def writer(self, columns: Sequence[Column]) -> Writer:
        """Return what writes one answer with rows of these columns."""
        return self.format.writer(columns, self.options)


def choose_format(
    accept: str, parameters: Iterable[tuple[str, str]], shapes: Sequence[Shape] = tuple(Shape)
) -> Choice:
    """Return what the Accept header and the parameters ask for; other parameters are somebody else's.

    `shapes` are those that can be written here. Raises BadQuery for a parameter, and a Problem that lists
    the media types when none is accepted.
    """
    words = {name: text for name, text in parameters if name in REPRESENTATION}
    named = words.pop(FORMAT, None)
    chosen, media_type = _accepted(accept) if named is None else _named(named)
    # What is not asked for is no format's business.
    asked = [word for word, text in words.items() if text != "false"]
    errors = [_inapplicable(word, chosen) for word in asked if word not in chosen.words]
    values: dict[str, Any] = {}
    for word, text in words.items():
        try:
            values[word] = _shape(text, shapes) if word == SHAPE else _truth(word, text)
        except BadQuery as bad:
            errors.extend(bad.errors)
    if errors:
        raise BadQuery(errors)
    # The words are the names of the options.
    return Choice(chosen, media_type, Options(**values))


def _named(name: str) -> tuple[Format, str]:
    known = {one.name: one for one in FORMATS}
    if name not in known:
        allowed = tuple(one.name for one in FORMATS if one.is_available)
        message = f"there is no format '{shown(name)}'"
        raise wrong(FORMAT, "WRONG_VALUE", message, allowed=allowed, suggestion=nearest(name, allowed))
    one = known[name]
    if not one.is_available:
        raise wrong(FORMAT, "NOT_AVAILABLE", _missing(one))
    return one, one.media_types[0]


def _accepted(accept: str) -> tuple[Format, str]:
    offered = [media_type for one in FORMATS if one.is_available for media_type in one.media_types]
    media_type = choose(accept, offered)
    if media_type is not None:
        return format_of(media_type), media_type
    message = f"this resource is served as {' or '.join(offered)}"
    absent = [one for one in FORMATS if not one.is_available and choose(accept, one.media_types)]
    if absent:
        message = f"{_missing(absent[0])}; {message}"
    raise Problem(
        NOT_ACCEPTABLE, message, (ParameterError("Accept", "NOT_ACCEPTABLE", message, tuple(offered)),)
    )


def _missing(one: Format) -> str:
    return f"{one.name} is not served here: it needs {one.library}, which is not installed"


def _inapplicable(word: str, chosen: Format) -> ParameterError:
    of = " or ".join(one.name for one in FORMATS if word in one.words)
    message = f"'{word}' says how {of} is written; this answer would be {chosen.name}"
    return ParameterError(word, "NOT_APPLICABLE", message, chosen.words)


def _shape(text: str, shapes: Sequence[Shape]) -> Shape:
    allowed = tuple(shape.value for shape in shapes)
    if text not in allowed:
        message = f"'{SHAPE}' is one of {', '.join(allowed)} here, not '{shown(text)}'"
        raise wrong(SHAPE, "WRONG_VALUE", message, allowed=allowed, suggestion=nearest(text, allowed))
    return Shape(text)


def _truth(word: str, text: str) -> bool:
    if text not in _TRUTHS:
        message = f"'{word}' is true or false, not '{shown(text)}'"
        raise wrong(word, "WRONG_VALUE", message, allowed=tuple(_TRUTHS))
    return _TRUTHS[text]
