"""The words of a question about groups, and how much of each there may be."""

from __future__ import annotations

from exposure.query.grammar import EXPLAIN, ORDER, WHERE
from exposure.query.model import Operator

GROUP, MEASURES, HAVING, TOP = "group", "measures", "having", "top"
TIMEZONE, FILL = "timezone", "fill"
COLUMNS = "columns"
AGGREGATE_PARAMETERS = (WHERE, GROUP, MEASURES, ORDER, TOP, TIMEZONE, FILL, EXPLAIN)
FACET_PARAMETERS = (WHERE, COLUMNS, TOP)
FILL_ZERO = "zero"
DEFAULT_TOP, MAX_TOP = 100, 1000
DEFAULT_FACET_TOP, MAX_FACET_TOP = 10, 100
MAX_GROUPS, MAX_MEASURES, MAX_FACETS = 5, 20, 5
# What an answer with filled buckets holds at most, rows or not.
MAX_FILLED = 5000
HAVING_OPERATORS = (Operator.EQ, Operator.NE, Operator.LT, Operator.LTE, Operator.GT, Operator.GTE)
# What other APIs call our words; only ever suggested.
FOREIGN_WORDS = {
    "group_by": GROUP, "groupby": GROUP, "dimensions": GROUP, "by": GROUP,
    "measure": MEASURES, "metrics": MEASURES, "aggregate": MEASURES, "select": MEASURES,
    "limit": TOP, "page_size": TOP, "size": TOP,
    "sort": ORDER, "order_by": ORDER, "orderby": ORDER,
    "tz": TIMEZONE, "time_zone": TIMEZONE, "fields": COLUMNS, "facet": COLUMNS, "facets": COLUMNS,
}  # fmt: skip
