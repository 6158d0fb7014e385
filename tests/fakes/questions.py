"""Questions about a contract, written shortly."""

from __future__ import annotations

from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Array, Object
from exposure.query.model import Condition, Filter, Operator, Order, Query, Row


def ask(
    contract: Contract,
    *filters: tuple[str, str, object] | Condition,
    select: str = "",
    order: str = "",
    page_size: int = 100,
    after: Row | None = None,
) -> Query:
    """Return the question; `select` and `order` as in a URL, filters as (column, operator, value).

    A column of a filter may be a path to a field inside one.
    """
    names = select.split(",") if select else [column.name for column in contract.columns]
    orders = [_order(contract, text) for text in order.split(",") if text]
    if contract.key not in [one.column.name for one in orders]:
        orders.append(Order(contract.key_column))
    return Query(
        contract=contract,
        columns=tuple(contract.column(name) for name in names),
        filters=tuple(compared(contract, *one) if isinstance(one, tuple) else one for one in filters),
        order=tuple(orders),
        page_size=page_size,
        after=after,
    )


def compared(contract: Contract, path: str, operator: str, value: object) -> Filter:
    """Return a comparison, whether or not the grammar has it."""
    first, *rest = path.split(".")
    column = leaf = contract.column(first)
    within: list[Column] = []
    for name in rest:
        element = leaf.type.of if isinstance(leaf.type, Array) else leaf.type
        fields = element.fields if isinstance(element, Object) else leaf.members
        [leaf] = (field for field in fields if field.name == name)
        within.append(leaf)
    return Filter(column, Operator(operator), value, tuple(within))


def _order(contract: Contract, text: str) -> Order:
    name, dot, nulls = text.removeprefix("-").partition(".")
    descending = text.startswith("-")
    greatest = bool(dot) and (nulls == "nullsfirst") is descending
    return Order(contract.column(name), descending, nulls_greatest=greatest)
