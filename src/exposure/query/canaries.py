"""A question as readers mean it: the platform's own canaries are not among the rows.

Only a question that names one row by its key, by `eq`, may find one: whoever knows the key of a canary means
it. The condition is on the key, which every question reads anyway to serve each row once, so it costs nothing
to read. Which keys are meant is said in `exposure.contracts.canary`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from exposure.contracts.canary import BEHIND_CANARIES, CANARY_PREFIX, LEAST_INTEGER_KEY, reserved_keys
from exposure.contracts.model import Contract
from exposure.contracts.types import Scalar
from exposure.query.aggregate import Aggregation
from exposure.query.model import Condition, Filter, Operator, Or, Query, is_of_one_key, joined, keys_named

Question = TypeVar("Question", bound=Query | Aggregation)


def without_canaries(question: Question) -> Question:
    """Return the question with the canaries left out, or as it is when it names one row by its key."""
    if is_of_one_key(question.contract, question.filters):
        return question
    return replace(question, filters=(*question.filters, _is_no_canary(question.contract)))


def of_no_canaries(question: Question) -> Question | None:
    """Return the question as rows are asked that hold no canary; None when it may mean one."""
    contract = question.contract
    if is_of_one_key(contract, question.filters):
        named = keys_named(contract, joined(question.filters))
        return None if any(map(reserved_keys(contract), named)) else question
    hidden = _is_no_canary(contract)
    if hidden not in question.filters:
        return None
    return replace(question, filters=tuple(one for one in question.filters if one != hidden))


def _is_no_canary(contract: Contract) -> Condition:
    key = contract.key_column
    if key.type is Scalar.INTEGER:
        return Filter(key, Operator.GTE, LEAST_INTEGER_KEY)
    return Or((Filter(key, Operator.LT, CANARY_PREFIX), Filter(key, Operator.GTE, BEHIND_CANARIES)))
