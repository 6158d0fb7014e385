from __future__ import annotations

import pytest

from exposure.query.regular import MAX_EXPRESSION_CHARACTERS, mistake_in
from fakes.parsing import error, parse


@pytest.mark.parametrize(
    "text",
    [
        "a", "^a.*z$", "[a-z0-9_]+", "[^\\d\\s]", "(?:ab|cd)*", "(a(b(c)))", "a{2}", "a{2,}?", "a{0,30}",
        "\\.\\\\",
        "\\bñ\\B", "a||b", "()", "[\\]\\[\\-\\^]", "é🦜", "a-b", "[.*]", "x" * MAX_EXPRESSION_CHARACTERS,
    ],
)  # fmt: skip
def test_the_common_part_of_the_syntax_is_taken(text: str) -> None:
    assert mistake_in(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "*a", "a**", "a*+",
        "a{2}{2}", "a{31}", "a{3,2}", "a{2}b{2}c{2}", "(", ")", "a)", "(a", "[a", "a]", "[]",
        "[z-a]", "[[:alpha:]]", "(?i)a", "(?P<x>a)", "(?=a)", "(?<!a)", "\\1", "\\p{L}", "\\x41", "\\Q",
        "a\\",
        "{", "a{", "a{,3}", "^*", "|*", "(*a)", "(" * 11 + ")" * 11, "x" * (MAX_EXPRESSION_CHARACTERS + 1),
    ],
)  # fmt: skip
def test_what_a_warehouse_could_refuse_is_refused_before_it_is_asked(text: str) -> None:
    assert mistake_in(text)
    assert error(("shipping.street.match", text)).code == "WRONG_VALUE"


def test_only_what_is_declared_matchable_is_matched() -> None:
    assert parse(("shipping.street.match", "^a")).filters
    assert parse(("where", 'shipping.street match "^(a|b)$"')).filters
    assert error(("currency.match", "^a")).code == "UNKNOWN_OPERATOR"
    assert error(("where", "currency match a")).code == "UNKNOWN_OPERATOR"
