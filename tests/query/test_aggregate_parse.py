"""Questions about groups as a URL writes them, and what is wrong with those that are none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.contracts import orders
from exposure.contracts.model import Column
from exposure.contracts.types import Scalar
from exposure.query.aggregate import (
    Function,
    Group,
    GroupOrder,
    Measure,
    Unit,
    WeekStart,
)
from exposure.query.aggregate_parse import parse_aggregation
from exposure.query.errors import BadQuery, ParameterError
from exposure.query.facets import parse_facets
from exposure.query.model import Operator
from fakes.asking import ask_groups, errors_of
from fakes.declarations import with_column
from fakes.parsing import parse as parse_rows

ORDERS = orders.CONTRACT
COUNT = Measure(Function.COUNT)
JANUARY = "placed_at.gte=2026-01-01T00:00:00Z&placed_at.lt=2026-02-01T00:00:00Z"


def group(column: str, unit: Unit | None = None, week_start: WeekStart | None = None) -> Group:
    return Group(ORDERS.column(column), unit, week_start)


def test_without_words_all_rows_are_counted() -> None:
    asked = ask_groups("")
    assert (asked.groups, asked.measures, asked.order, asked.having) == ((), (COUNT,), (), ())
    assert (asked.top, asked.timezone, asked.filled) == (100, "UTC", None)


def test_groups_and_measures_keep_their_order_and_their_names() -> None:
    names = (
        "currency,placed_at:day,deliver_on:week:sunday",
        "count,sum:total,p95:weight_kg,approx_distinct:paid",
    )
    asked = ask_groups(f"group={names[0]}&measures={names[1]}&timezone=Europe/Madrid")
    assert asked.groups == (
        group("currency"),
        group("placed_at", Unit.DAY),
        group("deliver_on", Unit.WEEK, WeekStart.SUNDAY),
    )
    assert ",".join(one.name for one in asked.groups) == names[0]
    assert ",".join(one.name for one in asked.measures) == names[1]
    assert asked.timezone == "Europe/Madrid"


def test_the_order_always_ends_with_every_group() -> None:
    currency, paid = GroupOrder(group("currency")), GroupOrder(group("paid"))
    assert ask_groups("group=currency,paid").order == (currency, paid)
    assert ask_groups("group=currency,paid&order=paid").order == (paid, currency)
    by_count = GroupOrder(COUNT, descending=True)
    assert ask_groups("group=currency,paid&order=-count").order == (by_count, currency, paid)
    backwards = GroupOrder(group("currency"), descending=True)
    assert ask_groups("group=currency&order=-currency,count").order == (backwards, GroupOrder(COUNT))


def test_filters_are_those_of_rows() -> None:
    question = "currency.in=EUR,USD&total.gt=1.5&placed_at.gte=2026-01-01T00:00:00Z"
    assert ask_groups(f"{question}&group=paid").filters == parse_rows(*parse_qsl(question)).filters


@pytest.mark.parametrize(
    ("condition", "measure", "value"),
    [
        ("having.count.gte=3", "count", 3),
        ("having.sum:total.gte=10.5", "sum:total", Decimal("10.5")),
        ("having.avg:customer_id.gte=1.5", "avg:customer_id", 1.5),
        ("having.avg:total.gte=1.5", "avg:total", Decimal("1.5")),
        ("having.distinct:total.gte=2", "distinct:total", 2),
        ("having.max:placed_at.gte=2026-01-01T00:00:00Z", "max:placed_at", datetime(2026, 1, 1, tzinfo=UTC)),
        ("having.p50:deliver_on.gte=2026-01-01", "p50:deliver_on", date(2026, 1, 1)),
        ("having.min:currency.gte=EUR", "min:currency", "EUR"),
    ],
)
def test_a_condition_has_a_value_of_its_measures_type(condition: str, measure: str, value: object) -> None:
    [having] = ask_groups(condition).having
    assert (having.measure.name, having.operator, having.value) == (measure, Operator.GTE, value)


@pytest.mark.parametrize(
    ("question", "codes"),
    [
        ("group=nosuch", ["UNKNOWN_COLUMN"]),
        ("group=", ["UNKNOWN_COLUMN"]),
        ("group=currency,", ["UNKNOWN_COLUMN"]),
        ("group=weight_kg", ["NOT_GROUPABLE"]),
        ("group=shipping", ["NOT_GROUPABLE"]),
        ("group=tags", ["NOT_GROUPABLE"]),
        ("group=context", ["NOT_GROUPABLE"]),
        ("group=currency:day", ["UNKNOWN_UNIT"]),
        ("group=placed_at:days", ["UNKNOWN_UNIT"]),
        ("group=placed_at:", ["UNKNOWN_UNIT"]),
        ("group=placed_at:week:tuesday", ["UNKNOWN_UNIT"]),
        ("group=deliver_on:hour", ["UNKNOWN_UNIT"]),
        ("group=currency,currency", ["REPEATED"]),
        ("group=currency&group=paid", ["REPEATED"]),
        ("group=currency,paid,total,deliver_on,customer_id,order_id", ["TOO_MANY"]),
        ("measures=", ["UNKNOWN_MEASURE"]),
        ("measures=total", ["UNKNOWN_MEASURE"]),
        ("measures=median:total", ["UNKNOWN_MEASURE"]),
        ("measures=p42:total", ["UNKNOWN_MEASURE"]),
        ("measures=p:total", ["UNKNOWN_MEASURE"]),
        ("measures=sum", ["UNKNOWN_COLUMN"]),
        ("measures=sum:", ["UNKNOWN_COLUMN"]),
        ("measures=sum:nosuch", ["UNKNOWN_COLUMN"]),
        ("measures=sum:currency", ["NOT_MEASURABLE"]),
        ("measures=sum:paid,avg:placed_at,min:paid,p50:currency", ["NOT_MEASURABLE"] * 4),
        ("measures=count:tags,min:shipping,distinct:context", ["NOT_MEASURABLE"] * 3),
        ("measures=count,count", ["REPEATED"]),
        ("order=currency", ["NOT_GROUPED"]),
        ("group=placed_at:day&order=placed_at", ["NOT_GROUPED"]),
        ("order=nosuch", ["UNKNOWN_MEASURE"]),
        ("group=currency&order=currency,-currency", ["REPEATED"]),
        ("top=0", ["WRONG_VALUE"]),
        ("top=1001", ["WRONG_VALUE"]),
        ("top=-1", ["WRONG_VALUE"]),
        ("top=ten", ["WRONG_VALUE"]),
        ("top=٣", ["WRONG_VALUE"]),
        ("timezone=Europe/Madrit&group=placed_at:day", ["UNKNOWN_TIMEZONE"]),
        ("timezone=&group=placed_at:day", ["UNKNOWN_TIMEZONE"]),
        ("timezone=%2B02:00&group=placed_at:day", ["UNKNOWN_TIMEZONE"]),
        ("timezone=Europe/Madrid", ["WITHOUT_EFFECT"]),
        ("timezone=Europe/Madrid&group=placed_at", ["WITHOUT_EFFECT"]),
        ("timezone=Europe/Madrid&group=deliver_on:day", ["WITHOUT_EFFECT"]),
        ("having.count=1", ["MISSING_OPERATOR"]),
        ("having.count.like=1", ["UNKNOWN_OPERATOR"]),
        ("having.sum:total.gt=a", ["WRONG_VALUE"]),
        ("having.sum:total.gt=", ["EMPTY_VALUE"]),
        ("having.count.gt=1.5", ["WRONG_VALUE"]),
        ("having.sum:nosuch.gt=1", ["UNKNOWN_COLUMN"]),
        ("having.median:total.gt=1", ["UNKNOWN_MEASURE"]),
        ("having.total.gt=1", ["UNKNOWN_MEASURE"]),
        ("fill=none", ["WRONG_VALUE"]),
        ("fill=zero", ["NO_BUCKET"]),
        ("fill=zero&group=placed_at", ["NO_BUCKET"]),
        ("fill=zero&group=placed_at:day,deliver_on:day", ["NO_BUCKET"]),
        ("fill=zero&group=placed_at:day", ["UNBOUNDED"]),
        ("fill=zero&group=placed_at:day&placed_at.gte=2026-01-01T00:00:00Z", ["UNBOUNDED"]),
        ("fill=zero&group=placed_at:day&deliver_on.gte=2026-01-01&deliver_on.lt=2026-02-01", ["UNBOUNDED"]),
        (f"fill=zero&group=placed_at:minute&{JANUARY}", ["TOO_MANY_BUCKETS"]),
        (
            "fill=zero&group=deliver_on:day&deliver_on.gt=9999-12-31&deliver_on.lt=9999-12-31",
            ["OUT_OF_RANGE"],
        ),
        (
            f"fill=zero&group=placed_at:day&{JANUARY}&top=5&order=-count&having.count.gt=0",
            ["NOT_WITH_FILL"] * 3,
        ),
        ("nosuch=1", ["UNKNOWN_PARAMETER"]),
        ("total.sum=1", ["UNKNOWN_OPERATOR"]),
        ("select=currency&page_size=5&group_by=paid", ["UNKNOWN_PARAMETER"] * 3),
        (
            "group=nosuch&measures=sum:paid&top=0&having.count.gt=a&total.gt=b",
            ["UNKNOWN_COLUMN", "NOT_MEASURABLE", "WRONG_VALUE", "WRONG_VALUE", "WRONG_VALUE"],
        ),
    ],
)
def test_what_is_no_question_about_groups_is_refused_with_everything_wrong(
    question: str, codes: list[str]
) -> None:
    assert sorted(one.code for one in errors_of(question)) == sorted(codes)


@pytest.mark.parametrize(
    ("question", "suggestion"),
    [
        ("group=curency", "currency"),
        ("group=placed_at:days", "placed_at:day"),
        ("measures=sum:totl", "sum:total"),
        ("measures=som:total", "sum:total"),
        ("top=5000", "1000"),
        ("timezone=Europe/Madrit&group=paid", "Europe/Madrid"),
        ("group_by=currency", "group"),
        ("metrics=count", "measures"),
        ("limit=5", "top"),
        ("tz=UTC", "timezone"),
        ("having.count.gtt=1", "having.count.gt"),
        ("mesures=count", "measures"),
        ("fill=nil", "zero"),
    ],
)
def test_what_was_probably_meant_is_suggested(question: str, suggestion: str) -> None:
    [error] = errors_of(question)
    assert error.suggestion == suggestion


def test_more_conditions_than_bounded_are_refused_together() -> None:
    filters = "&".join(f"total.gt={number}" for number in range(11))
    conditions = "&".join(f"having.count.gt={number}" for number in range(10))
    [error] = errors_of(f"{filters}&{conditions}")
    assert error.code == "TOO_MANY_FILTERS"


def test_an_error_lists_what_can_be_asked_of_its_column_alone() -> None:
    [error] = errors_of("measures=sum:paid")
    assert error.allowed == ("count:paid", "distinct:paid", "approx_distinct:paid")
    [error] = errors_of("group=deliver_on:hour")
    assert error.allowed[:3] == ("deliver_on", "deliver_on:day", "deliver_on:week")


def test_a_column_called_like_a_word_can_still_be_filtered() -> None:
    contract = with_column(Column("having", Scalar.INTEGER))
    asked = ask_groups("having.eq=3&having.sum:having.gt=2&having.count.lt=9", contract)
    assert len(asked.filters) == 1
    assert [one.measure.name for one in asked.having] == ["sum:having", "count"]


WORDS = st.sampled_from(
    [
        "group",
        "measures",
        "order",
        "top",
        "timezone",
        "fill",
        "having.count.gt",
        "having.sum:total.lt",
        "columns",
        "having.",
        "having..",
        "having.sum:total",
        "placed_at.gte",
        "placed_at.lt",
        "explain",
        "where",
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        [
            "currency",
            "placed_at:day",
            "count",
            "sum:total",
            "-count",
            "zero",
            "UTC",
            "Europe/Madrid",
            "1",
            "0",
            "",
            ",",
            ":",
            "p95:total",
            "2026-01-01T00:00:00Z",
            "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00Z",
            "a:b:c:d",
        ]
    ),
    st.text(max_size=20),
)


@settings(deadline=None)
@given(pairs=st.lists(st.tuples(WORDS | st.text(max_size=10), VALUES), max_size=8))
def test_any_parameters_are_a_question_or_refused_in_printable_words(pairs: list[tuple[str, str]]) -> None:
    for parse in (parse_aggregation, parse_facets):
        for error in _errors_of(parse, pairs):
            assert error.message.isprintable()
            assert error.parameter.isprintable()


def _errors_of(parse: Callable[..., object], pairs: list[tuple[str, str]]) -> tuple[ParameterError, ...]:
    try:
        parse(ORDERS, pairs)
    except BadQuery as bad:
        return bad.errors
    return ()
