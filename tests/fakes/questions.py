"""Questions about a contract, written shortly."""

from __future__ import annotations

from exposure.contracts.model import Contract
from exposure.query.model import Filter, Operator, Order, Query, Row


def ask(
    contract: Contract,
    *filters: tuple[str, str, object],
    select: str = "",
    order: str = "",
    page_size: int = 100,
    after: Row | None = None,
) -> Query:
    """Return the question; `select` and `order` as in a URL, filters as (column, operator, value)."""
    names = select.split(",") if select else [column.name for column in contract.columns]
    orders = [_order(contract, text) for text in order.split(",") if text]
    if contract.key not in [one.column.name for one in orders]:
        orders.append(Order(contract.key_column))
    return Query(
        contract=contract,
        columns=tuple(contract.column(name) for name in names),
        filters=tuple(
            Filter(contract.column(name), Operator(operator), value) for name, operator, value in filters
        ),
        order=tuple(orders),
        page_size=page_size,
        after=after,
    )


def _order(contract: Contract, text: str) -> Order:
    return Order(contract.column(text.removeprefix("-")), descending=text.startswith("-"))
