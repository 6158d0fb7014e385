"""What may be asked of a column and of what is inside it, and the words a question is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Array, LogicalType, Object, Scalar
from exposure.query.model import Filter, Inside, Operator

SELECT, ORDER, PAGE_SIZE, PAGE_TOKEN = "select", "order", "page_size", "page_token"
WHERE = "where"
# How an answer is written; they change nothing of what is asked.
FORMAT, SHAPE, CSV_SAFE, BOM, END_RECORD = "format", "shape", "csv_safe", "bom", "end_record"
REPRESENTATION = (FORMAT, SHAPE, CSV_SAFE, BOM, END_RECORD)
# What is asked for beside the rows.
COUNT, EXPLAIN = "count", "explain"
SYSTEM_PARAMETERS = (SELECT, WHERE, ORDER, PAGE_SIZE, PAGE_TOKEN, COUNT, EXPLAIN, *REPRESENTATION)
OF_PAGES = (PAGE_SIZE, PAGE_TOKEN, COUNT, EXPLAIN)
EXPORT_PARAMETERS = tuple(name for name in SYSTEM_PARAMETERS if name not in OF_PAGES)
DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000
MAX_FILTERS = 20
MAX_IN_VALUES = 500
MAX_ORDER_COLUMNS = 5
# Of `where`: how deep parentheses and `not` may nest, and its length in UTF-8.
MAX_WHERE_DEPTH = 5
MAX_WHERE_BYTES = 4096
MAX_LIKE_WILDCARDS = 10
# What other APIs call our words; only ever suggested.
FOREIGN_WORDS = {
    "filter": WHERE, "q": WHERE, "query": WHERE,
    "fields": SELECT, "columns": SELECT,
    "sort": ORDER, "order_by": ORDER, "orderby": ORDER,
    "limit": PAGE_SIZE, "per_page": PAGE_SIZE, "size": PAGE_SIZE, "top": PAGE_SIZE,
    "cursor": PAGE_TOKEN, "offset": PAGE_TOKEN, "page": PAGE_TOKEN, "next": PAGE_TOKEN, "after": PAGE_TOKEN,
}  # fmt: skip

_EQUAL = (Operator.EQ, Operator.NE)
_AMONG = (Operator.IN, Operator.NIN, Operator.SAME, Operator.DISTINCT, Operator.ISNULL)
_ORDERED = (*_EQUAL, Operator.LT, Operator.LTE, Operator.GT, Operator.GTE, *_AMONG)
_TEXT = (Operator.PREFIX, Operator.CONTAINS, Operator.ICONTAINS, Operator.LIKE)
LIST_OPERATORS = (Operator.IN, Operator.NIN, Operator.HASANY)


@dataclass(frozen=True)
class Place(Inside):
    """What can be filtered by: a column or, where `within` leads to one, a field inside it."""

    column: Column
    operators: tuple[Operator, ...]
    within: tuple[Column, ...] = ()

    @property
    def scalar(self) -> Scalar | None:
        """Return the type of the values it is compared with; None where only ISNULL can be asked."""
        found = self.leaf.type.of if isinstance(self.leaf.type, Array) else self.leaf.type
        return found if isinstance(found, Scalar) and found is not Scalar.JSON else None

    def filter(self, operator: Operator, value: object) -> Filter:
        """Return the comparison with a value."""
        return Filter(self.column, operator, value, self.within)


def operators_of(logical_type: LogicalType) -> tuple[Operator, ...]:
    """Return how a value of the type can be filtered; empty for arrays of objects and for bytes."""
    if isinstance(logical_type, Array):
        is_plain = operators_of(logical_type.of) not in ((), (Operator.ISNULL,))
        return (Operator.HAS, Operator.HASANY) if is_plain else ()
    if not isinstance(logical_type, Scalar) or logical_type is Scalar.JSON:
        return (Operator.ISNULL,)
    if logical_type is Scalar.BYTES:
        return ()
    if logical_type is Scalar.BOOLEAN:
        return (*_EQUAL, *_AMONG)
    return (*_ORDERED, *_TEXT) if logical_type is Scalar.STRING else _ORDERED


def column_operators(column: Column) -> tuple[Operator, ...]:
    """Return how a column or field can be filtered, with what its declaration opens beside its type."""
    return (*operators_of(column.type), *([Operator.MATCH] if column.matchable else []))


def places(contract: Contract) -> tuple[Place, ...]:
    """Return everything the contract's rows can be filtered by."""
    return tuple(one for column in contract.stored_columns for one in _places(Place(column, ()), many=False))


def comparable_columns(contract: Contract) -> tuple[Column, ...]:
    """Return the columns that can be ordered by: those that hold one value with an order."""
    return tuple(column for column in contract.stored_columns if Operator.EQ in operators_of(column.type))


def _places(place: Place, *, many: bool) -> Iterator[Place]:
    """Yield the place and what is within it; `many` says that an array was passed on the way."""
    leaf = place.leaf
    is_array = isinstance(leaf.type, Array)
    operators = column_operators(leaf)
    if many:
        # BigQuery keeps an array within an array only as a field of an object: one is enough to ask through.
        operators = () if isinstance(leaf.type, Array) else operators_of(Array(leaf.type))
    if operators:
        yield Place(place.column, operators, place.within)
    if not (many and is_array):
        for inner in _fields(leaf):
            yield from _places(Place(place.column, (), (*place.within, inner)), many=many or is_array)


def _fields(column: Column) -> tuple[Column, ...]:
    element = column.type.of if isinstance(column.type, Array) else column.type
    return element.fields if isinstance(element, Object) else column.members


def scalar_of(column: Column) -> Scalar:
    """Return the type of a column that holds one value; TypeError for an object or an array."""
    if not isinstance(column.type, Scalar):
        raise TypeError(f"column '{column.name}' holds no single value")
    return column.type
