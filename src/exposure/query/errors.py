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


class WrongParameter(ValueError):
    """Carries the first thing wrong with a parameter out of its parsing."""

    def __init__(self, error: ParameterError) -> None:
        super().__init__(error.message)
        self.error = error


def unknown_column(parameter: str, name: str, known: tuple[str, ...]) -> WrongParameter:
    """Return the error of a name that is no column the parameter can take."""
    return wrong(
        parameter,
        "UNKNOWN_COLUMN",
        f"'{parameter}' names '{shown(name)}', which is no column it can take",
        allowed=known,
        suggestion=nearest(name, known),
    )


def wrong(
    parameter: str, code: str, message: str, *, allowed: tuple[str, ...] = (), suggestion: str | None = None
) -> WrongParameter:
    """Return the error, with the parameter's name fit to be quoted."""
    return WrongParameter(ParameterError(shown(parameter), code, message, allowed, suggestion))


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
