from __future__ import annotations

import pytest

from exposure.contracts import orders
from exposure.contracts.model import Column
from exposure.contracts.types import Object, Scalar
from exposure.query.grammar import SYSTEM_PARAMETERS, places
from exposure.query.model import Operator, comparisons
from fakes.declarations import EVENT_TIME, KEY, declared
from fakes.parsing import error, parse

ORDERS = orders.CONTRACT


def test_a_bare_column_is_refused_with_the_filter_that_was_probably_meant() -> None:
    refused = error(("total", "5"))
    assert (refused.code, refused.suggestion) == ("MISSING_OPERATOR", "total.eq")


@pytest.mark.parametrize(
    ("name", "code", "suggestion"),
    [
        ("totl.gt", "UNKNOWN_COLUMN", "total.gt"),
        ("zzzzzz.gt", "UNKNOWN_COLUMN", None),
        (".eq", "UNKNOWN_COLUMN", None),
        ("total.gtt", "UNKNOWN_OPERATOR", "total.gt"),
        ("total.", "UNKNOWN_OPERATOR", "total.lt"),
        ("total.GT", "UNKNOWN_OPERATOR", None),
        ("TOTAL.gt", "UNKNOWN_COLUMN", None),
        ("total__gt", "UNKNOWN_PARAMETER", "total.gt"),
        ("pagesize", "UNKNOWN_PARAMETER", "page_size"),
        ("limit", "UNKNOWN_PARAMETER", "page_size"),
        ("sort", "UNKNOWN_PARAMETER", "order"),
        ("fields", "UNKNOWN_PARAMETER", "select"),
        ("offset", "UNKNOWN_PARAMETER", "page_token"),
        ("", "UNKNOWN_PARAMETER", None),
        ("PAGE_SIZE", "UNKNOWN_PARAMETER", None),
    ],
)
def test_a_name_that_means_nothing_is_refused_with_the_nearest_that_does(
    name: str, code: str, suggestion: str | None
) -> None:
    refused = error((name, "1"))
    assert refused.code == code
    assert refused.allowed
    if suggestion:
        assert (refused.suggestion or "").split(".")[0] == suggestion.split(".")[0]
    if suggestion and code != "UNKNOWN_OPERATOR":
        assert refused.suggestion == suggestion


def test_every_word_is_listed_beside_a_parameter_that_is_none() -> None:
    assert error(("nosuch", "1")).allowed == SYSTEM_PARAMETERS


@pytest.mark.parametrize("name", ["nosuch.eq", "nosuch.prefix", "nosuch.hasany", "total", "paid.x", "tags"])
def test_every_filter_listed_as_allowed_is_one(name: str) -> None:
    allowed = error((name, "1")).allowed
    assert allowed
    for one in allowed:
        assert error((one, "")).code == "EMPTY_VALUE"


def test_what_can_be_filtered_is_told_of_every_type() -> None:
    found = {place.name: place.operators for place in places(ORDERS)}
    assert found["tags"] == found["items.sku"] == (Operator.HAS, Operator.HASANY)
    assert found["shipping"] == found["context"] == found["_extra"] == (Operator.ISNULL,)
    assert Operator.LIKE in found["shipping.city"]
    assert Operator.LIKE not in found["shipping.latitude"]
    assert found["context.channel"] == found["currency"]
    assert "items" not in found


def test_a_column_may_bear_the_name_of_an_operator_or_a_word() -> None:
    nested = Column("eq", Object((Column("eq", Scalar.STRING), Column("in", Scalar.INTEGER))), nullable=True)
    contract = declared(columns=(KEY, EVENT_TIME, nested, Column("where", Scalar.STRING)))
    found = parse(
        ("eq.eq.eq", "x"), ("eq.in.in", "1,2"), ("eq.isnull", "false"), ("where.eq", "y"), contract=contract
    )
    assert [one.name for one in comparisons(*found.filters)] == ["eq.eq", "eq.in", "eq", "where"]


def test_a_name_is_quoted_without_what_could_disturb_a_terminal_or_a_log() -> None:
    refused = error(("a\x1b[31m\r\nb\udcff", "1"))
    assert refused.parameter == "a�[31m��b�"
    assert refused.message.isprintable()
    assert len(error(("x" * 5000, "1")).message) < 300
