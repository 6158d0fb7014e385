"""Parameters as a request has them, parsed for `orders`, and what is wrong with them."""

from __future__ import annotations

import pytest

from exposure.contracts import orders
from exposure.contracts.model import Contract
from exposure.query.errors import BadQuery, ParameterError
from exposure.query.model import Query
from exposure.query.page_token import invalid_token
from exposure.query.parse import parse_query


def parse(*parameters: tuple[str, str], contract: Contract = orders.CONTRACT) -> Query:
    """Return the question; every page token is one of somebody else's."""
    return parse_query(contract, parameters, _foreign)


def errors(*parameters: tuple[str, str]) -> tuple[ParameterError, ...]:
    """Return everything wrong with the parameters."""
    with pytest.raises(BadQuery) as refusal:
        parse(*parameters)
    return refusal.value.errors


def error(*parameters: tuple[str, str]) -> ParameterError:
    """Return the one thing wrong with the parameters."""
    [only] = errors(*parameters)
    return only


def _foreign(_: str) -> bytes:
    raise invalid_token()
