"""Which keys are the canaries' own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.contracts.canary import (
    BEHIND_CANARIES,
    CANARY_PREFIX,
    LEAST_INTEGER_KEY,
    new_canary_key,
    reserved_keys,
)
from exposure.contracts.catalog import CATALOG
from exposure.contracts.model import Column, Contract
from exposure.contracts.types import INTEGER_MIN, KEY_CHARACTERS, Scalar
from fakes.declarations import EVENT_TIME, declared

NUMBERED = declared(columns=(Column("id", Scalar.INTEGER), EVENT_TIME))


@pytest.mark.parametrize("contract", [*CATALOG, NUMBERED], ids=lambda one: one.name)
def test_a_new_key_is_a_canarys_of_the_keys_type_and_never_the_same(contract: Contract) -> None:
    keys = [new_canary_key(contract) for _ in range(100)]
    assert all(map(reserved_keys(contract), keys))
    assert len(set(keys)) == len(keys)
    for key in keys:
        if isinstance(key, int):
            assert key >= INTEGER_MIN
        else:
            assert len(key) <= KEY_CHARACTERS


@pytest.mark.parametrize(
    "key", ["", "canary-1", "~canary", "~canary.", "~Canary-1", "x" + CANARY_PREFIX, "東京"]
)
def test_texts_that_begin_otherwise_are_nobodys_in_particular(key: str) -> None:
    assert not reserved_keys(declared())(key)


@given(key=st.one_of(st.text(), st.text().map("~canary-".__add__), st.text().map("~canary".__add__)))
def test_reserved_are_just_the_texts_between_the_two_bounds(key: str) -> None:
    between = CANARY_PREFIX.encode() <= key.encode(errors="surrogatepass") < BEHIND_CANARIES.encode()
    assert reserved_keys(declared())(key) is between


def test_whole_numbers_are_the_canaries_far_below_zero_alone() -> None:
    is_reserved = reserved_keys(NUMBERED)
    assert is_reserved(LEAST_INTEGER_KEY - 1)
    assert not any(map(is_reserved, (LEAST_INTEGER_KEY, -1, 0, 2**63 - 1)))
