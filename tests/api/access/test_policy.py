"""What a caller sees of the catalog."""

from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exposure.api.access.caller import ANONYMOUS, Caller
from exposure.api.access.policy import Policy, visible
from exposure.contracts.access import PUBLIC, Access, Bound, Credential, Grant
from exposure.contracts.catalog import Catalog
from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Scalar
from exposure.query.model import Filter, Operator
from fakes.declarations import EVENT_TIME, KEY, declared

TYPED = {
    Scalar.STRING: ("a b", "a b"),
    Scalar.INTEGER: ("4711", 4711),
    Scalar.DECIMAL: ("1.50", Decimal("1.5")),
    Scalar.BOOLEAN: ("true", True),
    Scalar.DATE: ("2026-11-25", date(2026, 11, 25)),
}
COLUMNS = (KEY, EVENT_TIME, *(Column(f"of_{scalar}", scalar, nullable=True) for scalar in TYPED))


def granting(*grants: Grant, name: str = "visits") -> Contract:
    return declared(name=name, topic=f"{name}-topic", columns=COLUMNS, access=Access(grants))


def caller(*scopes: str, credential: Credential = Credential.KEY, **claims: Any) -> Caller:
    return Caller("key:a", credential, frozenset(scopes), tuple(claims.items()))


def names(contract: Contract | None) -> list[str]:
    return [] if contract is None else [column.name for column in contract.stored_columns]


def test_nobody_sees_what_grants_nothing() -> None:
    closed = granting()
    assert visible(closed, caller("sales")) is None
    assert visible(closed, ANONYMOUS) is None


def test_everybody_sees_what_is_public_as_it_is() -> None:
    public = granting(*PUBLIC.grants)
    assert visible(public, ANONYMOUS) is public
    assert visible(public, caller("sales")) is public


def test_the_first_grant_that_fits_decides_and_grants_are_never_added_up() -> None:
    contract = granting(
        Grant("rows", rows=(Bound("of_string", "tenant"),)),
        Grant("columns", columns=("id", "at", "of_date")),
        Grant(columns=("id", "at")),
    )
    both = caller("columns", "rows", tenant=("acme",))
    assert visible(contract, both) is contract
    view = Policy(Catalog((contract,))).view(both)
    assert view.filters == {"visits": (Filter(contract.column("of_string"), Operator.EQ, "acme"),)}
    assert names(visible(contract, caller("columns"))) == ["id", "at", "of_date"]
    assert names(visible(contract, caller("other"))) == ["id", "at"]


def test_a_credential_that_does_not_count_grants_nothing() -> None:
    contract = granting(Grant("sales", by=(Credential.TOKEN,)))
    assert visible(contract, caller("sales")) is None
    assert visible(contract, caller("sales", credential=Credential.TOKEN)) is contract
    assert visible(contract, dataclasses.replace(caller("sales"), credential=None)) is None


@pytest.mark.parametrize(("scalar", "text", "value"), [(one, *pair) for one, pair in TYPED.items()], ids=str)
def test_a_claim_is_read_by_the_type_of_the_column_it_binds(scalar: Scalar, text: str, value: object) -> None:
    contract = granting(Grant("sales", rows=(Bound(f"of_{scalar}", "x"),)))
    policy = Policy(Catalog((contract,)))
    column = contract.column(f"of_{scalar}")
    assert policy.view(caller("sales", x=(text,))).filters["visits"] == (Filter(column, Operator.EQ, value),)


def test_several_values_of_a_claim_grant_the_rows_of_each() -> None:
    contract = granting(Grant("sales", rows=(Bound("of_integer", "x"), Bound("of_boolean", "y"))))
    view = Policy(Catalog((contract,))).view(caller("sales", x=("7", "5", "7"), y=("true",)))
    assert view.filters["visits"] == (
        Filter(contract.column("of_integer"), Operator.IN, (5, 7)),
        Filter(contract.column("of_boolean"), Operator.EQ, True),
    )


NO_VALUES = [(), ("",), ("x",), ("1.5",), ("9" * 30,), ("1", "x"), ("1; DROP TABLE visits",), ("\0",)]


@pytest.mark.parametrize(
    "texts", [*NO_VALUES, tuple(map(str, range(501)))], ids=lambda texts: str(texts)[:30]
)
def test_a_claim_that_is_missing_or_no_value_of_the_column_grants_nothing(texts: tuple[str, ...]) -> None:
    contract = granting(Grant("sales", rows=(Bound("of_integer", "x"),)))
    assert visible(contract, caller("sales", x=texts)) is None
    assert visible(contract, caller("sales")) is None
    assert not list(Policy(Catalog((contract,))).view(caller("sales", x=texts)).catalog)


GRANTS = st.lists(
    st.builds(
        Grant,
        st.sampled_from(["a", "b", "c"]),
        st.none() | st.sampled_from([("id", "at"), ("id", "at", "of_date", "_extra")]),
        st.sampled_from(
            [(), (Bound("of_string", "x"),), (Bound("of_integer", "x"), Bound("of_string", "y"))]
        ),
    ),
    max_size=3,
    unique_by=lambda grant: grant.scope,
)
CALLERS = st.builds(
    lambda scopes, credential, x, y: Caller("key:a", credential, frozenset(scopes), (("x", x), ("y", y))),
    st.sets(st.sampled_from(["a", "b", "c", "d"])),
    st.sampled_from([None, *Credential]),
    st.sampled_from([(), ("1",), ("2",), ("1", "2"), ("x",)]),
    st.sampled_from([(), ("1",), ("2",)]),
)


@given(st.lists(GRANTS, min_size=1, max_size=3), CALLERS, CALLERS)
def test_a_view_is_never_wider_than_one_grant_and_equal_only_for_who_sees_the_same(
    grants: list[list[Grant]], one: Caller, other: Caller
) -> None:
    contracts = [granting(*each, name=f"visits{number}") for number, each in enumerate(grants)]
    policy = Policy(Catalog(tuple(contracts)))
    views = [policy.view(one), policy.view(other)]
    for view, who in zip(views, (one, other), strict=True):
        for seen in view.catalog:
            whole = next(contract for contract in contracts if contract.name == seen.name)
            assert names(seen) == names(visible(whole, who))
            assert any(
                grant.scope in who.scopes
                and who.credential is not None
                and (grant.columns is None or set(names(seen)) <= set(grant.columns))
                and [bound.column for bound in grant.rows] == [f.column.name for f in view.filters[seen.name]]
                for grant in whole.access.grants
            )
    same = [[(one.name, names(one), view.filters[one.name]) for one in view.catalog] for view in views]
    assert (views[0].fingerprint == views[1].fingerprint) == (same[0] == same[1])
    if views[0].shape == views[1].shape:
        assert all(one is two for one, two in zip(views[0].catalog, views[1].catalog, strict=True))


def test_claims_that_nothing_is_bound_to_change_no_view() -> None:
    policy = Policy(Catalog((granting(Grant("sales")),)))
    views = {id(policy.view(caller("sales", iat=(str(number),)))) for number in range(5)}
    assert len(views) == 1
