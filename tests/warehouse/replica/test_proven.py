"""What is left out of the closed list is passed on, whatever the replica would make of it."""

from __future__ import annotations

import dataclasses

import pytest

from exposure.contracts import orders
from exposure.contracts.model import Column
from exposure.contracts.types import Array, Object, Scalar
from exposure.query.model import Operator
from exposure.warehouse.replica.proven import OPERATORS, is_proven
from fakes.asking import ask_groups
from fakes.questions import ask

CONTRACT = orders.CONTRACT
PLAIN = frozenset({"weight_kg"})


def test_an_operator_that_is_new_is_passed_on_until_it_is_proven() -> None:
    assert set(Operator) - OPERATORS == {Operator.ICONTAINS, Operator.MATCH}


@pytest.mark.parametrize(
    "condition",
    [
        ("currency", "icontains", "i"),
        ("shipping.street", "match", "a+"),
        ("context.channel", "eq", "web"),
        ("context.channel", "isnull", True),
    ],
)
def test_such_a_comparison_is_passed_on(condition: tuple[str, str, object]) -> None:
    assert not is_proven(ask(CONTRACT, condition), PLAIN)


@pytest.mark.parametrize(
    "question",
    [
        "measures=avg:weight_kg",
        "measures=avg:total",
        "measures=p50:total",
        "measures=approx_distinct:customer_id",
        "measures=distinct:weight_kg",
        "measures=sum:shipping.latitude",
        "measures=max:context.channel",
        "group=context.channel&measures=count",
        "group=placed_at:day&measures=count&timezone=Europe/Madrid",
        "group=currency&measures=count&having.avg:total.gt=1",
        "group=currency&measures=count&order=-p95:total",
    ],
)
def test_such_groups_are_passed_on(question: str) -> None:
    assert not is_proven(ask_groups(question), PLAIN)


@pytest.mark.parametrize("measure", ["sum", "min", "max"])
def test_numbers_are_answered_only_where_they_are_plain(measure: str) -> None:
    asked = ask_groups(f"measures={measure}:weight_kg")
    assert is_proven(asked, PLAIN)
    assert not is_proven(asked, frozenset())


@pytest.mark.parametrize(
    "question",
    [
        "measures=count,sum:total,sum:customer_id,min:currency,max:deliver_on,distinct:currency",
        "group=placed_at:week:sunday,currency&measures=count&order=-count",
        "group=deliver_on:month&measures=count&having.count.gt=1",
    ],
)
def test_the_rest_is_answered(question: str) -> None:
    assert is_proven(ask_groups(question), PLAIN)


@pytest.mark.parametrize(
    "inside",
    [Array(Scalar.JSON), Object((Column("json", Scalar.JSON),)), Array(Object((Column("j", Scalar.JSON),)))],
)
def test_json_inside_a_value_is_passed_on(inside: Array | Object) -> None:
    column = Column("inside", inside, nullable=isinstance(inside, Object))
    contract = dataclasses.replace(CONTRACT, columns=(*CONTRACT.columns, column))
    assert not is_proven(ask(contract), PLAIN)
    assert is_proven(ask(contract, select="order_id,context"), PLAIN)
