"""Regular expressions a question may hold: the part of RE2's syntax that every warehouse reads the same.

Refused here is what RE2 itself would refuse, so that no warehouse is asked in vain, and what is not needed:
flags, named groups, look-around and classes by name. RE2 takes linear time, whatever the expression.
Syntax: https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re

MAX_EXPRESSION_CHARACTERS = 200
# RE2 refuses more than 1000 repetitions within one another.
_MAX_COUNT, _MAX_COUNTED = 30, 2
_MAX_GROUPS_OPEN = 10
_CHARACTER = r"(?:[^\[\]\\^-]|\\[\[\]\\^-])"
_PART = re.compile(
    rf"(?P<set>\[\^?(?:{_CHARACTER}-{_CHARACTER}|{_CHARACTER}|\\[dDwWsS])+\])"
    r"|(?P<open>\((?:\?:)?)|(?P<close>\))|(?P<or>\|)|(?P<place>[$^]|\\[bB])"
    r"|(?P<repeat>(?:[*+?]|\{(?P<least>\d{1,2})(?:,(?P<most>\d{0,2}))?\})\??)"
    r"|(?P<one>\\[dDwWsS\\.+*?()|\[\]{}^$-]|[^\\\[\](){}*+?|^$])",
    re.DOTALL | re.ASCII,
)
_RANGE = re.compile(rf"({_CHARACTER})-({_CHARACTER})", re.DOTALL)
_REPEATED = ("set", "one", "close")


def mistake_in(text: str) -> str | None:
    """Return what is wrong with an expression, None when nothing is."""
    if len(text) > MAX_EXPRESSION_CHARACTERS:
        return f"an expression has {MAX_EXPRESSION_CHARACTERS} characters at most"
    position, opened, counted, before = 0, 0, 0, ""
    while position < len(text):
        part = _PART.match(text, position)
        kind = part.lastgroup if part else None
        if part is None or kind is None:
            return f"it cannot be read from character {position + 1} on"
        kind = "repeat" if kind in ("least", "most") else kind
        opened += (kind == "open") - (kind == "close")
        counted += part["least"] is not None
        if not 0 <= opened <= _MAX_GROUPS_OPEN or counted > _MAX_COUNTED or _is_wrong(part, kind, before):
            return f"it is wrong, or too much, at character {position + 1}"
        position, before = part.end(), kind
    return "a group is open at its end" if opened else None


def _is_wrong(part: re.Match[str], kind: str, before: str) -> bool:
    if kind == "set":
        return any(_plain(least) > _plain(most) for least, most in _RANGE.findall(part["set"][1:-1]))
    if kind != "repeat":
        return False
    if before not in _REPEATED:
        return True
    counts = [int(count) for count in (part["least"], part["most"]) if count]
    return counts != sorted(counts) or any(count > _MAX_COUNT for count in counts)


def _plain(character: str) -> str:
    return character[-1]
