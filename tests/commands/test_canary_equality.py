"""When a served row says what was published."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.api.encode import RowEncoder, dumps
from exposure.commands.canary_equality import first_difference
from exposure.contracts.model import Column
from exposure.contracts.orders import CONTRACT
from exposure.contracts.sample import SampleOptions, sample_messages
from exposure.contracts.types import Array, Object, Scalar
from exposure.ingest.validate import MessageValidator
from fakes.messages import NOON, message

_FIELDS = Object((Column("a", Scalar.INTEGER), Column("b", Scalar.STRING, nullable=True)))


@given(seed=st.integers(0, 2**32))
def test_whatever_is_sampled_is_the_same_after_ingest_and_the_api_have_had_it(seed: int) -> None:
    [published] = sample_messages(CONTRACT, SampleOptions(1, seed, NOON))
    row = MessageValidator(CONTRACT).validate(message(published), NOON)
    assert isinstance(row, tuple)
    [served] = RowEncoder(CONTRACT.stored_columns).objects([row])
    assert first_difference(CONTRACT.columns, published, json.loads(dumps(served))) is None


@pytest.mark.parametrize(
    ("kind", "published", "served"),
    [
        (Scalar.STRING, "a", "a"),
        (Scalar.DECIMAL, "39.80", "39.8"),
        (Scalar.DECIMAL, 39.8, "39.8"),
        (Scalar.NUMBER, 1, 1.0),
        (Scalar.TIMESTAMP, "2026-11-25T13:00:00.000+01:00", "2026-11-25T12:00:00Z"),
        (Scalar.STRING, None, None),
        (Array(Scalar.STRING), None, []),
        (Array(Scalar.DECIMAL), ["1.0"], ["1"]),
        (Object(_FIELDS.fields), {"a": 1}, {"a": 1, "b": None}),
        (Scalar.JSON, {"x": [1, None]}, {"x": [1, None]}),
    ],
)
def test_other_spellings_of_one_value_are_the_same(kind: object, published: object, served: object) -> None:
    column = Column("x", kind, nullable=not isinstance(kind, Array))  # type: ignore[arg-type]
    assert first_difference([column], {"x": published}, {"x": served}) is None


@pytest.mark.parametrize(
    ("kind", "published", "served"),
    [
        (Scalar.STRING, "a", "A"),
        (Scalar.STRING, "a", None),
        (Scalar.STRING, None, ""),
        (Scalar.STRING, "1", 1),
        (Scalar.INTEGER, 1, True),
        (Scalar.INTEGER, 2**63 - 1, 2**63 - 2),
        (Scalar.BOOLEAN, True, 1),
        (Scalar.DECIMAL, "0.1", "0.10000000001"),
        (Scalar.DECIMAL, "0.1", "much"),
        (Scalar.TIMESTAMP, "2026-11-25T12:00:00.000001Z", "2026-11-25T12:00:00Z"),
        (Scalar.TIMESTAMP, "2026-11-25T12:00:00Z", 5),
        (Array(Scalar.STRING), ["a", "b"], ["b", "a"]),
        (Array(Scalar.STRING), ["a"], ["a", "a"]),
        (Array(Scalar.STRING), [], None),
        (_FIELDS, {"a": 1}, {"a": 1}),
        (_FIELDS, {"a": 1}, [1]),
        (Scalar.JSON, {"x": 1}, {"x": 2}),
    ],
)
def test_another_value_is_a_difference(kind: object, published: object, served: object) -> None:
    column = Column("x", kind, nullable=not isinstance(kind, Array))  # type: ignore[arg-type]
    assert first_difference([column], {"x": published}, {"x": served}) == "x"


def test_a_column_that_is_not_served_is_a_difference_even_when_it_is_null() -> None:
    column = Column("x", Scalar.STRING, nullable=True)
    assert first_difference([column], {}, {"y": datetime.now(UTC)}) == "x"
