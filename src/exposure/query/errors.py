"""What is wrong with a request, parameter by parameter, in words that help to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_QUOTED_CHARACTERS = 100


@dataclass(frozen=True)
class ParameterError:
    """One thing wrong with one parameter. `allowed` lists what would be right, when it can be listed."""

    parameter: str
    code: str
    message: str
    allowed: tuple[str, ...] = ()
    suggestion: str | None = None


class BadQuery(ValueError):
    """The request asks for something that does not exist; `errors` holds everything wrong with it."""

    def __init__(self, errors: Sequence[ParameterError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = tuple(errors)


def wrong(
    parameter: str, code: str, message: str, *, allowed: tuple[str, ...] = (), suggestion: str | None = None
) -> BadQuery:
    """Return the one thing wrong with a parameter, its name fit to be quoted."""
    return BadQuery([ParameterError(shown(parameter), code, message, allowed, suggestion)])


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like this one, if any is."""
    near = difflib.get_close_matches(name[:_QUOTED_CHARACTERS], list(known), n=1)
    return near[0] if near else None


def shown(text: str) -> str:
    """Return the text fit to be quoted in an answer: short, and every character printable."""
    printable = "".join(
        character if character.isprintable() else "�" for character in text[:_QUOTED_CHARACTERS]
    )
    return printable if len(text) <= _QUOTED_CHARACTERS else f"{printable}…"
