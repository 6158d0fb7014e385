"""What may be asked of a column, and the words a question is made of."""

from __future__ import annotations

from exposure.contracts.model import Column, Contract
from exposure.contracts.types import LogicalType, Scalar
from exposure.query.model import Operator

SELECT, ORDER, PAGE_SIZE, PAGE_TOKEN = "select", "order", "page_size", "page_token"
SYSTEM_PARAMETERS = (SELECT, ORDER, PAGE_SIZE, PAGE_TOKEN)
DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000
MAX_FILTERS = 20
MAX_IN_VALUES = 500
MAX_ORDER_COLUMNS = 5
# What other APIs call our words; only ever suggested.
FOREIGN_WORDS = {
    "fields": SELECT, "columns": SELECT,
    "sort": ORDER, "order_by": ORDER, "orderby": ORDER,
    "limit": PAGE_SIZE, "per_page": PAGE_SIZE, "size": PAGE_SIZE, "top": PAGE_SIZE,
    "cursor": PAGE_TOKEN, "offset": PAGE_TOKEN, "page": PAGE_TOKEN, "next": PAGE_TOKEN, "after": PAGE_TOKEN,
}  # fmt: skip

_EQUALITY = (Operator.EQ, Operator.NE, Operator.IN)
_ORDERED = (Operator.EQ, Operator.NE, Operator.LT, Operator.LTE, Operator.GT, Operator.GTE, Operator.IN)


def operators_of(logical_type: LogicalType) -> tuple[Operator, ...]:
    """Return how a column of the type can be filtered; empty for JSON, objects, arrays and bytes."""
    if not isinstance(logical_type, Scalar) or logical_type in (Scalar.JSON, Scalar.BYTES):
        return ()
    return _EQUALITY if logical_type is Scalar.BOOLEAN else _ORDERED


def comparable_columns(contract: Contract) -> tuple[Column, ...]:
    """Return the columns that can be filtered and ordered by."""
    return tuple(column for column in contract.stored_columns if operators_of(column.type))


def scalar_of(column: Column) -> Scalar:
    """Return the type of a column that holds one value; TypeError for an object or an array."""
    if not isinstance(column.type, Scalar):
        raise TypeError(f"column '{column.name}' holds no single value")
    return column.type
