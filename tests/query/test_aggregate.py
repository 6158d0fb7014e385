"""What can be grouped by and measured, and questions made of others."""

from __future__ import annotations

from exposure.contracts import orders
from exposure.contracts.types import Scalar
from exposure.query.aggregate import Aggregation, Function, Measure, grouped_places, groups_of, measures_of
from exposure.query.aggregate_names import GroupNames
from exposure.query.aggregate_parse import count_rows
from fakes.asking import ask_groups
from fakes.declarations import with_every_scalar
from fakes.parsing import parse as parse_rows

ORDERS = orders.CONTRACT
COUNT = Measure(Function.COUNT)


def test_every_scalar_is_grouped_and_measured_as_it_can_be() -> None:
    found = {place.name: place for place in grouped_places(with_every_scalar())}
    counts = {
        scalar: (len(groups_of(found[f"plain_{scalar}"])), len(measures_of(found[f"plain_{scalar}"])))
        for scalar in Scalar
        if scalar is not Scalar.BYTES
    }
    assert counts == {
        Scalar.STRING: (1, 5), Scalar.INTEGER: (1, 16), Scalar.NUMBER: (0, 16), Scalar.DECIMAL: (1, 16),
        Scalar.BOOLEAN: (1, 3), Scalar.DATE: (8, 14), Scalar.TIMESTAMP: (10, 14), Scalar.JSON: (0, 1),
    }  # fmt: skip


def test_what_is_inside_a_column_is_grouped_and_measured_by_its_path_but_not_through_arrays() -> None:
    known = GroupNames(ORDERS)
    assert {"shipping.city", "shipping.postcode", "context.channel"} <= set(known.groups)
    assert {"avg:shipping.latitude", "count:shipping", "distinct:context.channel"} <= set(known.measures)
    assert not {"shipping", "items", "items.sku", "tags", "context"} & set(known.groups)
    assert not [name for name in known.measures if "items" in name or "tags" in name]
    for name, group in known.groups.items():
        assert group.name == name
    for name, measure in known.measures.items():
        assert measure.name == name


def test_counting_rows_keeps_the_filters_and_nothing_else() -> None:
    asked = ask_groups("group=currency&measures=sum:total&top=3&order=-count&total.gt=1&having.count.gt=1")
    counted = count_rows(asked)
    assert counted == Aggregation(ORDERS, asked.filters, (), (COUNT,), (), 1)
    assert count_rows(parse_rows(("total.gt", "1"), ("page_size", "2"))) == counted
