"""Conditions in a tree, as `where` writes them: comparisons joined by `and`, `or`, `not` and parentheses.

    condition   = terms joined by `and`, or by `or`; where both are needed, one stands in parentheses
    term        = `not` term | `(` condition `)` | comparison
    comparison  = name operator value | name operator `(` value `,` … `)` for in, nin and hasany

Words stand apart by blanks. A value, or a name that is also a word, may stand in double quotes, which are
doubled inside. The names, operators and values are those of single filters. Every error says at which
character, counted from 1; nothing is guessed, and the tree is bounded in depth, comparisons and bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from exposure.query.errors import BadQuery, ParameterError, nearest, shown, wrong
from exposure.query.filters import parse_comparison
from exposure.query.grammar import LIST_OPERATORS, MAX_FILTERS, MAX_WHERE_BYTES, MAX_WHERE_DEPTH, WHERE, Place
from exposure.query.model import And, Condition, Filter, Not, Operator, Or
from exposure.query.names import Names

_TOKEN = re.compile(r'[ \t\r\n]*(?:([(),])|"((?:[^"]|"")*)"|([^ \t\r\n(),"]+)|(\Z))')
_AND, _OR, _NOT = "and", "or", "not"


def parse_where(names: Names, text: str) -> tuple[Condition, ...]:
    """Return the conditions, all of which hold; raises BadQuery with the first thing that is wrong."""
    size = len(text.encode("utf-8", "surrogatepass"))
    if size > MAX_WHERE_BYTES:
        message = f"'{WHERE}' takes {MAX_WHERE_BYTES} bytes at most, not {size}"
        raise wrong(WHERE, "TOO_LONG", message)
    condition = _Parser(names, text).whole()
    return condition.conditions if isinstance(condition, And) else (condition,)


@dataclass(frozen=True)
class _Token:
    """One word or sign, at a character counted from 1. What stood in quotes is no word of the grammar."""

    text: str
    at: int
    is_sign: bool = False
    is_quoted: bool = False

    def is_word(self, *words: str) -> bool:
        return self.text in words and not self.is_quoted and not self.is_sign

    def is_this(self, sign: str) -> bool:
        return self.is_sign and self.text == sign

    @property
    def is_end(self) -> bool:
        return self.is_sign and not self.text


class _Parser:
    """Reads one text from the left; one instance per text."""

    def __init__(self, names: Names, text: str) -> None:
        self._names = names
        self._tokens = tuple(_tokens(text))
        self._next = 0
        self._comparisons = 0

    def whole(self) -> Condition:
        condition = self._condition(0)
        if not self._peek().is_end:
            raise _expected("'and', 'or' or the end", self._peek())
        return condition

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        # The end is there for ever.
        self._next = min(self._next + 1, len(self._tokens) - 1)
        return token

    def _condition(self, depth: int) -> Condition:
        terms = [self._term(depth)]
        joint = self._peek()
        while self._peek().is_word(_AND, _OR):
            word = self._take()
            if word.text != joint.text:
                message = "'and' and 'or' stand side by side; put one of them in parentheses"
                raise _wrong("MIXED", message, word)
            terms.append(self._term(depth))
        if len(terms) == 1:
            return terms[0]
        return And(tuple(terms)) if joint.text == _AND else Or(tuple(terms))

    def _term(self, depth: int) -> Condition:
        token = self._peek()
        is_not = token.is_word(_NOT)
        if not is_not and not token.is_this("("):
            return self._comparison()
        if depth == MAX_WHERE_DEPTH:
            message = f"parentheses and 'not' may nest {MAX_WHERE_DEPTH} deep"
            raise _wrong("TOO_DEEP", message, token)
        self._take()
        if is_not:
            return Not(self._term(depth + 1))
        condition = self._condition(depth + 1)
        closing = self._take()
        if not closing.is_this(")"):
            raise _expected("'and', 'or' or ')'", closing, opened=token)
        return condition

    def _comparison(self) -> Filter:
        first = self._take()
        if first.is_sign or first.is_word(_AND, _OR):
            raise _expected("a column", first)
        self._comparisons += 1
        if self._comparisons > MAX_FILTERS:
            message = f"a question has {MAX_FILTERS} comparisons at most"
            raise _wrong("TOO_MANY_FILTERS", message, first)
        place = self._place(first)
        operator = self._operator(place, self._take())
        at = self._peek()
        texts = self._list() if operator in LIST_OPERATORS else [self._value()]
        try:
            return parse_comparison(f"{place.name} {operator}", place, operator, texts)
        except BadQuery as bad:
            raise BadQuery([_placed(error.code, error.message, at, error) for error in bad.errors]) from bad

    def _place(self, token: _Token) -> Place:
        known = self._names.filterable
        if token.text in known:
            return known[token.text]
        near = nearest(token.text, known)
        fields = self._names.fields_of(token.text)
        message = f"there is no column '{shown(token.text)}' to filter by"
        raise _wrong("UNKNOWN_COLUMN", message, token, fields or tuple(known), near)

    def _operator(self, place: Place, token: _Token) -> Operator:
        allowed = tuple(operator.value for operator in place.operators)
        if token.is_sign or token.is_quoted:
            raise _expected(f"an operator of '{place.name}'", token, allowed=allowed)
        if token.text not in allowed:
            message = f"'{place.name}' has no operator '{shown(token.text)}'"
            raise _wrong("UNKNOWN_OPERATOR", message, token, allowed, nearest(token.text, allowed))
        return Operator(token.text)

    def _value(self) -> str:
        token = self._take()
        if token.is_sign:
            raise _expected("a value; one with blanks, quotes, commas or parentheses stands in quotes", token)
        return token.text

    def _list(self) -> list[str]:
        opening = self._take()
        if not opening.is_this("("):
            raise _expected("a list such as (a,b)", opening)
        texts = [self._value()]
        while self._peek().is_this(","):
            self._take()
            texts.append(self._value())
        closing = self._take()
        if not closing.is_this(")"):
            raise _expected("',' or ')'", closing, opened=opening)
        return texts


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while True:
        match = _TOKEN.match(text, position)
        if match is None:
            at = len(text) - len(text[position:].lstrip(" \t\r\n")) + 1
            raise _wrong("UNCLOSED", "the text in quotes has no end", _Token("", at))
        sign, quoted, word, _ = match.groups()
        if sign is not None:
            yield _Token(sign, match.start(1) + 1, is_sign=True)
        elif quoted is not None:
            yield _Token(quoted.replace('""', '"'), match.start(2), is_quoted=True)
        elif word is not None:
            yield _Token(word, match.start(3) + 1)
        else:
            yield _Token("", len(text) + 1, is_sign=True)
            return
        position = match.end()


def _expected(
    what: str, found: _Token, opened: _Token | None = None, allowed: Sequence[str] = ()
) -> BadQuery:
    there = "the end" if found.is_end else f"'{shown(found.text)}'"
    since = f"; the parenthesis at character {opened.at} is open" if opened else ""
    return _wrong("SYNTAX", f"{what} is expected, not {there}{since}", found, allowed)


def _wrong(
    code: str, message: str, token: _Token, allowed: Sequence[str] = (), suggestion: str | None = None
) -> BadQuery:
    bad = wrong(WHERE, code, message, allowed=tuple(allowed), suggestion=suggestion)
    return BadQuery([_placed(code, message, token, bad.errors[0])])


def _placed(code: str, message: str, token: _Token, error: ParameterError) -> ParameterError:
    placed = f"'{WHERE}', character {token.at}: {message}"
    return replace(error, parameter=WHERE, code=code, message=placed)
