"""Contracts for tests: one that is right, to be made wrong, and one with every type nested and nullable."""

from __future__ import annotations

from typing import Any

from exposure.contracts.access import PUBLIC
from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Array, Object, Scalar

KEY = Column("id", Scalar.STRING)
EVENT_TIME = Column("at", Scalar.TIMESTAMP)
PUBLISHED_SCALARS = tuple(scalar for scalar in Scalar if scalar is not Scalar.BYTES)


def declared(**changes: Any) -> Contract:
    """Return a small contract with these arguments changed."""
    arguments: dict[str, Any] = {
        "name": "visits",
        "version": "1.0.0",
        "description": "Visits.",
        "owner": "web",
        "topic": "visits-topic",
        "dataset": "web_dataset",
        "columns": (KEY, EVENT_TIME),
        "key": "id",
        "event_time": "at",
        "access": PUBLIC,
    }
    return Contract(**(arguments | changes))


def with_column(column: Column) -> Contract:
    """Return the small contract with one column more."""
    return declared(columns=(KEY, EVENT_TIME, column))


def with_every_scalar() -> Contract:
    """Return a contract whose columns hold every scalar: plain, nullable and in arrays."""
    return declared(columns=(KEY, EVENT_TIME, *_scalars()))


def with_every_type() -> Contract:
    """Return a contract whose columns hold every type, scalars and objects, also within one another."""
    inner = Object(_scalars())
    outer = Object(
        (Column("inner", inner), Column("inners", Array(inner)), Column("note", Scalar.STRING, nullable=True))
    )
    nested = (
        Column("outer", outer),
        Column("maybe_outer", outer, nullable=True),
        Column("outers", Array(outer)),
    )
    return declared(columns=(KEY, EVENT_TIME, *_scalars(), *nested))


def _scalars() -> tuple[Column, ...]:
    return (
        *(Column(f"plain_{scalar}", scalar) for scalar in PUBLISHED_SCALARS),
        *(Column(f"maybe_{scalar}", scalar, nullable=True) for scalar in PUBLISHED_SCALARS),
        *(Column(f"many_{scalar}", Array(scalar)) for scalar in PUBLISHED_SCALARS),
    )
