"""Subscription filters, parsed when the subscription is made.

Grammar: https://cloud.google.com/pubsub/docs/subscription-message-filter#filtering_syntax. AND and OR may
not be mixed without parentheses, as in the real service.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from exposure.local.pubsub.refusal import invalid

Predicate = Callable[[Mapping[str, str]], bool]
_FILTER_BYTES = 256
_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"(?:[^\"\\]|\\.)*\")|(?P<word>[A-Za-z_][A-Za-z0-9_-]*)|(?P<sign>!=|[()=:.,-]))"
)


def parse_filter(text: str) -> Predicate:
    """Return the predicate over a message's attributes; raise the refusal of a filter that is none."""
    if len(text.encode()) > _FILTER_BYTES:
        raise invalid(f"A filter has {_FILTER_BYTES} bytes at most.")
    if not text.strip():
        return lambda _: True
    return _Parser(text).parse()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split(text)
        self._at = 0

    def parse(self) -> Predicate:
        predicate = self._expression()
        if self._peek() is not None:
            raise self._error()
        return predicate

    def _split(self, text: str) -> list[str]:
        tokens, at = [], 0
        while at < len(text.rstrip()):
            found = _TOKEN.match(text, at)
            if found is None:
                raise self._error()
            tokens.append(found[0].strip())
            at = found.end()
        return tokens

    def _error(self) -> Exception:
        return invalid(f"Invalid filter: {self._text}")

    def _peek(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self, expected: str | None = None) -> str:
        token = self._peek()
        if token is None or expected not in (None, token):
            raise self._error()
        self._at += 1
        return token

    def _expression(self) -> Predicate:
        parts = [self._term()]
        joint = self._peek()
        if joint not in ("AND", "OR"):
            return parts[0]
        while self._peek() == joint:
            self._take()
            parts.append(self._term())
        meets = all if joint == "AND" else any
        return lambda attributes: meets(part(attributes) for part in parts)

    def _term(self) -> Predicate:
        if self._peek() in ("NOT", "-"):
            self._take()
            inner = self._term()
            return lambda attributes: not inner(attributes)
        if self._peek() == "(":
            self._take()
            inner = self._expression()
            self._take(")")
            return inner
        return self._prefix() if self._peek() == "hasPrefix" else self._comparison()

    def _prefix(self) -> Predicate:
        self._take("hasPrefix")
        self._take("(")
        key = self._attribute()
        self._take(",")
        prefix = self._string()
        self._take(")")
        return lambda attributes: attributes.get(key, "").startswith(prefix) and key in attributes

    def _comparison(self) -> Predicate:
        self._take("attributes")
        if self._peek() == ":":
            self._take()
            key = self._name()
            return lambda attributes: key in attributes
        self._take(".")
        key = self._name()
        sign = self._take()
        value = self._string()
        if sign == "=":
            return lambda attributes: attributes.get(key) == value
        if sign == "!=":
            return lambda attributes: attributes.get(key) != value
        raise self._error()

    def _attribute(self) -> str:
        self._take("attributes")
        self._take(".")
        return self._name()

    def _name(self) -> str:
        token = self._take()
        return self._unquoted(token) if token.startswith('"') else self._word(token)

    def _word(self, token: str) -> str:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", token):
            raise self._error()
        return token

    def _string(self) -> str:
        token = self._take()
        if not token.startswith('"'):
            raise self._error()
        return self._unquoted(token)

    def _unquoted(self, token: str) -> str:
        return re.sub(r"\\(.)", r"\1", token[1:-1])
