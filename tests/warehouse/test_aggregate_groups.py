"""From rows of a statement to groups: what is filled, cut and refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from urllib.parse import parse_qsl

import pytest

from exposure.contracts import orders
from exposure.query.aggregate import Aggregation
from exposure.query.aggregate_grammar import MAX_FILLED
from exposure.query.aggregate_parse import parse_aggregation
from exposure.query.model import Row
from exposure.warehouse.groups import cut_groups
from exposure.warehouse.port import AnswerOutOfRange, Groups
from fakes.asking import ask_facets
from fakes.rows import NOON

YEAR = "placed_at.gte=2026-01-01T00:00:00Z&placed_at.lt=2027-01-01T00:00:00Z"


def asked(question: str) -> Aggregation:
    return parse_aggregation(orders.CONTRACT, parse_qsl(question))


def cut(question: str, *rows: Row) -> Groups:
    return cut_groups(asked(question), rows, NOON, bytes_billed=7)


def test_only_the_measures_asked_for_are_answered() -> None:
    groups = cut("group=currency&measures=count&order=-sum:total&having.avg:total.gt=1", ("EUR", 1, 2, 3))
    assert groups == Groups([("EUR", 1)], complete=True, as_of=NOON, bytes_billed=7)


def test_a_group_more_than_asked_for_is_not_answered_but_said() -> None:
    rows = [("EUR", 1), ("USD", 2), ("ñ", 3)]
    assert cut("group=currency&top=2", *rows).rows == rows[:2]
    assert cut("group=currency&top=2", *rows).complete is False
    assert cut("group=currency&top=3", *rows).complete is True


def test_labels_become_the_instants_buckets_begin_at() -> None:
    groups = cut(
        "group=placed_at:day&timezone=America/Sao_Paulo", (date(2018, 11, 4), 1), (date(2018, 11, 5), 2)
    )
    assert groups.rows == [
        (datetime(2018, 11, 4, 3, tzinfo=UTC), 1),
        (datetime(2018, 11, 5, 2, tzinfo=UTC), 2),
    ]


def test_an_hour_cut_by_a_later_offset_begins_when_that_offset_does() -> None:
    # Lord Howe's clocks went back half an hour at 15:00 UTC.
    label = datetime(2026, 4, 4, 14, 30, tzinfo=UTC)
    groups = cut("group=placed_at:hour&timezone=Australia/Lord_Howe", (label, 1))
    assert groups.rows == [(datetime(2026, 4, 4, 15, 0, tzinfo=UTC), 1)]


def test_both_readings_of_a_repeated_hour_are_filled() -> None:
    first = datetime(2026, 10, 25, 0, tzinfo=UTC)
    span = "placed_at.gte=2026-10-25T00:00:00Z&placed_at.lt=2026-10-25T03:00:00Z"
    groups = cut(
        f"group=placed_at:hour&timezone=Europe/Madrid&fill=zero&{span}",
        (first, 5), (first + timedelta(hours=1), 7),
    )  # fmt: skip
    assert groups.rows == [(first + timedelta(hours=hour), count) for hour, count in enumerate((5, 7, 0))]


def test_no_rows_at_all_are_filled_for_one_series_and_for_none_of_many() -> None:
    assert [row[1] for row in cut(f"group=placed_at:month&fill=zero&{YEAR}").rows] == [0] * 12
    assert cut(f"group=placed_at:month,currency&fill=zero&{YEAR}").rows == []


def test_counts_and_sums_of_nothing_are_zero_and_other_measures_missing() -> None:
    counts, sums = "count,count:total,distinct:total", "sum:total,sum:weight_kg,sum:customer_id"
    measures = f"{counts},{sums},avg:total,min:total,p50:total"
    [*_, last] = cut(f"group=placed_at:month&measures={measures}&fill=zero&{YEAR}").rows
    assert last[1:] == (0, 0, 0, Decimal(0), 0.0, 0, None, None, None)
    assert [type(value) for value in last[4:7]] == [Decimal, float, int]


def test_filled_series_that_have_no_room_are_left_out_whole_and_said() -> None:
    span = "placed_at.gte=2026-01-01T00:00:00Z&placed_at.lt=2031-06-01T00:00:00Z"
    question = f"group=customer_id,placed_at:day&fill=zero&{span}"
    buckets = asked(question).filled or ()
    rows = [(customer, date(2026, 1, 1), 1) for customer in range(4)]
    groups = cut(question, *rows)
    room = MAX_FILLED // len(buckets)
    assert room == 2
    assert groups.complete is False
    assert len(groups.rows) == room * len(buckets)
    assert {row[0] for row in groups.rows} == {0, 1}
    assert cut(question, *rows[:room]).complete is True


def test_a_bucket_only_the_warehouses_calendar_knows_is_kept() -> None:
    groups = cut(f"group=placed_at:month&fill=zero&{YEAR}", (date(2027, 2, 1), 3))
    assert len(groups.rows) == 13
    assert groups.rows[-1] == (datetime(2027, 2, 1, tzinfo=UTC), 3)


def test_each_of_groups_apart_is_cut_and_said_to_be_on_its_own() -> None:
    facets = ask_facets("columns=currency,paid&top=2")
    rows = [
        (0, "EUR", None, 5), (0, "USD", None, 3), (0, None, None, 1), (1, None, True, 5), (1, None, None, 4),
    ]  # fmt: skip
    groups = cut_groups(facets, rows, NOON, bytes_billed=7)
    assert groups.rows == [(0, "EUR", 5), (0, "USD", 3), (1, True, 5), (1, None, 4)]
    assert (groups.complete, set(groups.cut)) == (False, {0})
    assert cut_groups(facets, rows[3:], NOON, bytes_billed=7).complete is True


def test_groups_without_a_value_come_first_among_filled_series() -> None:
    span = "placed_at.gte=2026-01-01T00:00:00Z&placed_at.lt=2026-02-01T00:00:00Z"
    january = date(2026, 1, 1)
    groups = cut(
        f"group=deliver_on,placed_at:month&fill=zero&{span}", (january, january, 1), (None, january, 2)
    )
    assert [row[0] for row in groups.rows] == [None, january]


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("measures=sum:customer_id", (2**63,)),
        ("measures=sum:customer_id", (-(2**63) - 1,)),
        ("measures=sum:weight_kg", (float("inf"),)),
        ("measures=avg:weight_kg", (float("-inf"),)),
        ("having.sum:customer_id.gt=1", (1, 2**63)),
        ("group=placed_at:day&timezone=Asia/Kolkata", (date(1, 1, 1), 1)),
        ("group=placed_at:week", ("0001-12-31 (BC)", 1)),
    ],
)
def test_what_its_type_or_the_calendar_cannot_hold_is_refused(question: str, row: Row) -> None:
    with pytest.raises(AnswerOutOfRange):
        cut(question, row)


def test_the_greatest_values_of_a_type_are_answered() -> None:
    assert cut("measures=sum:customer_id", (2**63 - 1,)).rows == [(2**63 - 1,)]
    assert cut("measures=max:weight_kg", (1.7e308,)).rows == [(1.7e308,)]
