from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.contracts import orders
from exposure.contracts.model import Column
from exposure.contracts.types import Scalar
from exposure.query.errors import BadQuery
from exposure.query.grammar import MAX_FILTERS, MAX_WHERE_BYTES, places
from exposure.query.model import And, Condition, Filter, Not, Operator, Or
from fakes.declarations import EVENT_TIME, KEY, declared
from fakes.parsing import error, errors, parse
from fakes.questions import compared

ORDERS = orders.CONTRACT
A = compared(ORDERS, "currency", "eq", "DE")
B = compared(ORDERS, "customer_id", "gt", 7)
C = compared(ORDERS, "paid", "eq", True)


def conditions(text: str) -> tuple[Condition, ...]:
    return parse(("where", text)).filters


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("currency eq DE", (A,)),
        ("currency eq DE and customer_id gt 7", (A, B)),
        ("currency eq DE or customer_id gt 7", (Or((A, B)),)),
        ("not currency eq DE", (Not(A),)),
        ("not not currency eq DE", (Not(Not(A)),)),
        ("((currency eq DE))", (A,)),
        ("(currency eq DE or customer_id gt 7) and not paid eq true", (Or((A, B)), Not(C))),
        ("not (currency eq DE or customer_id gt 7)", (Not(Or((A, B))),)),
        ("not currency eq DE and customer_id gt 7", (Not(A), B)),
        ("(currency eq DE and customer_id gt 7) or paid eq true", (Or((And((A, B)), C)),)),
        ("currency eq DE and (customer_id gt 7 and paid eq true)", (A, And((B, C)))),
        (" \t\n( currency\teq\r\nDE ) ", (A,)),
        ('currency eq "DE"', (A,)),
        ('"currency" eq DE', (A,)),
    ],
)
def test_comparisons_are_joined_as_they_are_written(text: str, found: tuple[Condition, ...]) -> None:
    assert conditions(text) == found


@pytest.mark.parametrize(
    ("text", "path", "operator", "value"),
    [
        ("currency in (DE,FR)", "currency", "in", ("DE", "FR")),
        ("currency nin ( DE , FR )", "currency", "nin", ("DE", "FR")),
        ('currency in ("a,b",")","",x)', "currency", "in", ("a,b", ")", "", "x")),
        ('currency eq "say ""hi"", (now)"', "currency", "eq", 'say "hi", (now)'),
        ("currency eq and", "currency", "eq", "and"),
        ("currency eq not", "currency", "eq", "not"),
        ("tags hasany (gift,vip)", "tags", "hasany", ("gift", "vip")),
        ("items.quantity has 2", "items.quantity", "has", 2),
        ("shipping.city prefix São", "shipping.city", "prefix", "São"),
        ("context.channel isnull true", "context.channel", "isnull", True),
        ("currency like a\\%b%", "currency", "like", "a\\%b%"),
        ("customer_id lt -5", "customer_id", "lt", -5),
    ],
)
def test_a_comparison_is_that_of_a_filter(text: str, path: str, operator: str, value: object) -> None:
    assert conditions(text) == (compared(ORDERS, path, operator, value),)


@pytest.mark.parametrize(
    ("text", "code", "at"),
    [
        ("", "SYNTAX", 1),
        ("   ", "SYNTAX", 4),
        ("currency", "SYNTAX", 9),
        ("currency eq", "SYNTAX", 12),
        ("currency eq DE and", "SYNTAX", 19),
        ("currency eq DE FR", "SYNTAX", 16),
        ("currency eq DE AND paid eq true", "SYNTAX", 16),
        ("and currency eq DE", "SYNTAX", 1),
        ("(currency eq DE", "SYNTAX", 16),
        ("currency eq DE)", "SYNTAX", 15),
        ("()", "SYNTAX", 2),
        ("currency eq (DE)", "SYNTAX", 13),
        ("currency in DE", "SYNTAX", 13),
        ("currency in ()", "SYNTAX", 14),
        ("currency in (DE,)", "SYNTAX", 17),
        ("currency in (DE FR)", "SYNTAX", 17),
        ("currency in (DE", "SYNTAX", 16),
        ('currency "eq" DE', "SYNTAX", 10),
        ('currency eq "DE', "UNCLOSED", 13),
        ("nosuch eq 1", "UNKNOWN_COLUMN", 1),
        ("paid eq true and nosuch eq 1", "UNKNOWN_COLUMN", 18),
        ("items has x", "UNKNOWN_COLUMN", 1),
        ("currency = DE", "UNKNOWN_OPERATOR", 10),
        ("paid gt true", "UNKNOWN_OPERATOR", 6),
        ("currency EQ DE", "UNKNOWN_OPERATOR", 10),
        ("total gt abc", "WRONG_VALUE", 10),
        ('currency eq ""', "EMPTY_VALUE", 13),
        ("currency like a\\", "WRONG_VALUE", 15),
        ("currency eq DE and paid eq true or paid eq false", "MIXED", 33),
        ("currency eq DE or paid eq true and paid eq false", "MIXED", 32),
        ("((((((currency eq DE))))))", "TOO_DEEP", 6),
        ("not not not not not not currency eq DE", "TOO_DEEP", 21),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, code: str, at: int) -> None:
    refused = error(("where", text))
    assert (refused.parameter, refused.code) == ("where", code)
    assert f"character {at}:" in refused.message, refused.message


def test_every_wrong_value_of_a_list_is_told_with_the_place_of_the_list() -> None:
    found = errors(("where", "customer_id in (1,x,2,y)"))
    assert [("'x'" in found[0].message), ("'y'" in found[1].message), len(found)] == [True, True, 2]
    assert all("character 16:" in one.message for one in found)


def test_what_would_be_right_is_listed_and_the_nearest_suggested() -> None:
    assert error(("where", "curency eq DE")).suggestion == "currency"
    refused = error(("where", "paid equals true"))
    assert "eq" in refused.allowed
    assert error(("where", "items has x")).allowed == ("items.sku", "items.quantity", "items.unit_price")


def test_five_levels_are_taken() -> None:
    assert conditions("(((((currency eq DE)))))") == (A,)
    assert conditions("not (not (not currency eq DE))") == (Not(Not(Not(A))),)


def test_comparisons_of_the_tree_and_the_filters_beside_it_are_counted_together() -> None:
    many = " and ".join(["paid eq true"] * MAX_FILTERS)
    assert len(conditions(many)) == MAX_FILTERS
    assert error(("where", f"{many} and paid eq true")).code == "TOO_MANY_FILTERS"
    assert error(("where", many), ("total.gt", "1")).code == "TOO_MANY_FILTERS"


def test_a_longer_text_than_the_limit_is_refused_whatever_it_says() -> None:
    fits = "currency eq " + "x" * (MAX_WHERE_BYTES - 12)
    assert conditions(fits)
    assert error(("where", f"{fits}x")).code == "TOO_LONG"
    assert error(("where", "currency eq " + "ñ" * 2100)).code == "TOO_LONG"
    assert error(("where", "(" * MAX_WHERE_BYTES)).code == "TOO_DEEP"


def test_a_tree_and_filters_beside_it_all_hold() -> None:
    query = parse(("paid.eq", "true"), ("where", "currency eq DE or customer_id gt 7"))
    assert query.filters == (C, Or((A, B)))
    assert error(("where", "paid eq true"), ("where", "paid eq true")).code == "REPEATED"


def test_a_column_named_like_a_word_stands_in_quotes() -> None:
    column = Column("not", Scalar.STRING)
    contract = declared(columns=(KEY, EVENT_TIME, column))
    query = parse(("where", 'not "not" eq x'), contract=contract)
    assert query.filters == (Not(Filter(column, Operator.EQ, "x")),)


NAMES = st.sampled_from([place.name for place in places(ORDERS)])
WORDS = st.one_of(
    st.sampled_from(
        ["and", "or", "not", "(", ")", ",", '"', '""', " ", "1", "true", "2026-01-01", "\\", "%"]
    ),
    st.sampled_from(list(Operator)),
    NAMES,
    st.text(max_size=5),
)


@given(st.lists(WORDS, max_size=30), st.sampled_from(["", " "]))
def test_any_text_is_a_tree_or_refused_with_a_place(words: list[str], blank: str) -> None:
    text = blank.join(words)
    try:
        conditions(text)
    except BadQuery as bad:
        for one in bad.errors:
            assert one.message.isprintable()
            assert one.parameter == "where"
            assert one.code in {"TOO_LONG", "TOO_MANY_VALUES"} or "character " in one.message


COMPARISONS = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1).map(
        lambda text: compared(ORDERS, "currency", "eq", text)
    ),
    st.integers(-(2**63), 2**63 - 1).map(lambda value: compared(ORDERS, "customer_id", "lte", value)),
    st.lists(st.sampled_from(["a", "(", ",", '"', "and", ""]), min_size=1, max_size=3).map(
        lambda texts: compared(ORDERS, "tags", "hasany", tuple(texts))
    ),
)
TREES = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda some: And(tuple(some))),
        st.lists(inner, min_size=2, max_size=3).map(lambda some: Or(tuple(some))),
    ),
    max_leaves=6,
)


@given(TREES)
def test_any_tree_that_is_not_too_deep_is_read_as_it_is_written(tree: Condition) -> None:
    with contextlib.suppress(TooDeep):
        found = conditions(written(tree, 0))
        assert found == (tree.conditions if isinstance(tree, And) else (tree,))


class TooDeep(Exception):
    """More levels than a question may have."""


def written(one: Condition, depth: int) -> str:
    if depth > 5:
        raise TooDeep
    if isinstance(one, Filter):
        values = one.value if isinstance(one.value, tuple) else (one.value,)
        texts = ['"' + str(value).replace('"', '""') + '"' for value in values]
        return f"{one.name} {one.operator} {'(' + ','.join(texts) + ')' if one.value is values else texts[0]}"
    if isinstance(one, Not):
        return f"not {enclosed(one.condition, depth + 1)}"
    word = " or " if isinstance(one, Or) else " and "
    return word.join(enclosed(inner, depth) for inner in one.conditions)


def enclosed(one: Condition, depth: int) -> str:
    return f"({written(one, depth + 1)})" if isinstance(one, And | Or) else written(one, depth)
