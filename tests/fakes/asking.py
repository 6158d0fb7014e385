"""Questions about groups of `orders` as a URL writes them, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

import pytest

from exposure.contracts import orders
from exposure.contracts.model import Contract
from exposure.query.aggregate import Aggregation
from exposure.query.aggregate_parse import parse_aggregation
from exposure.query.errors import BadQuery, ParameterError
from exposure.query.facets import parse_facets


def ask_groups(question: str, contract: Contract = orders.CONTRACT) -> Aggregation:
    """Return the question after the `?` of an `:aggregate`."""
    return parse_aggregation(contract, parse_qsl(question, keep_blank_values=True))


def ask_facets(question: str, contract: Contract = orders.CONTRACT) -> Aggregation:
    """Return the question after the `?` of a `:facets`."""
    return parse_facets(contract, parse_qsl(question, keep_blank_values=True))


def errors_of(question: str, ask: Callable[[str], object] = ask_groups) -> tuple[ParameterError, ...]:
    """Return everything wrong with a question."""
    with pytest.raises(BadQuery) as refusal:
        ask(question)
    return refusal.value.errors
