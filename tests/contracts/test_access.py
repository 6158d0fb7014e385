"""What a contract may say of who reads it, and what it is for one who may not see all of it."""

from __future__ import annotations

from typing import Any

import pytest

from exposure.contracts.access import CLOSED, PUBLIC, Access, Bound, Credential, Grant
from exposure.contracts.catalog import CATALOG
from exposure.contracts.model import Column, Contract
from exposure.contracts.narrowed import narrow
from exposure.contracts.rules import WrongDeclaration
from exposure.contracts.types import Array, Scalar
from fakes.declarations import EVENT_TIME, KEY, declared

COLUMNS = (
    KEY,
    EVENT_TIME,
    Column("tenant", Scalar.STRING),
    Column("secret", Scalar.STRING, nullable=True),
    Column("ratio", Scalar.NUMBER),
    Column("tags", Array(Scalar.STRING)),
    Column("extra", Scalar.JSON),
)


def granting(*grants: Grant) -> Contract:
    return declared(columns=COLUMNS, clustered_by=("tenant", "secret"), access=Access(grants))


def test_a_contract_that_grants_nothing_is_closed() -> None:
    assert Contract.__dataclass_fields__["access"].default is CLOSED
    assert not CLOSED.grants


def test_every_contract_of_the_catalog_says_who_may_read_it() -> None:
    assert all(contract.access.grants for contract in CATALOG)


def test_public_grants_everything_to_everybody() -> None:
    assert PUBLIC.grants == (Grant(scope=None, columns=None, rows=()),)


RIGHT = [
    Grant("sales"),
    Grant("domain:example.com", by=(Credential.TOKEN,)),
    Grant("email:a.b+c@example.com"),
    Grant("https://example.com/scopes/read"),
    Grant("sales", columns=("id", "at", "_ingest_time")),
    Grant("sales", rows=(Bound("tenant", "tenant"), Bound("secret", "https://example.com/secret"))),
    Grant(columns=("id", "at")),
]


@pytest.mark.parametrize("grant", RIGHT, ids=str)
def test_a_grant_that_can_be_enforced_is_taken(grant: Grant) -> None:
    assert granting(grant).access.grants == (grant,)


WRONG: list[tuple[str, tuple[Grant, ...]]] = [
    ("scope 'sales read'", (Grant("sales read"),)),
    ("scope ''", (Grant(""),)),
    ("counts no credential", (Grant("sales", by=()),)),
    ("asks for no credential", (Grant(by=(Credential.KEY,)),)),
    ("put that one last", (Grant(), Grant("sales"))),
    ("put that one last", (Grant(), Grant())),
    ("never applies", (Grant("sales"), Grant("sales", columns=("id", "at")))),
    ("never applies", (Grant("sales", by=(Credential.KEY,)), Grant("sales"))),
    ("'nosuch', which is no column; choose of: id, at", (Grant("sales", columns=("id", "at", "nosuch")),)),
    ("a column twice", (Grant("sales", columns=("id", "at", "id")),)),
    ("hides the key 'id'", (Grant("sales", columns=("at",)),)),
    ("hides the event time 'at'", (Grant("sales", columns=("id",)),)),
    ("everybody has none", (Grant(rows=(Bound("tenant", "tenant"),)),)),
    ("'nosuch', which is no declared column", (Grant("sales", rows=(Bound("nosuch", "tenant"),)),)),
    ("'_message_id', which is no declared column", (Grant("sales", rows=(Bound("_message_id", "x"),)),)),
    ("which is number", (Grant("sales", rows=(Bound("ratio", "tenant"),)),)),
    ("which is json", (Grant("sales", rows=(Bound("extra", "tenant"),)),)),
    ("which is array of string", (Grant("sales", rows=(Bound("tags", "tenant"),)),)),
    ("which is timestamp", (Grant("sales", rows=(Bound("at", "tenant"),)),)),
    ("claim ''", (Grant("sales", rows=(Bound("tenant", ""),)),)),
    ("claim 'a b'", (Grant("sales", rows=(Bound("tenant", "a b"),)),)),
]


@pytest.mark.parametrize(("sentence", "grants"), WRONG, ids=[str(one) for one in WRONG])
def test_a_grant_that_could_not_be_enforced_is_refused_with_what_to_do(
    sentence: str, grants: tuple[Grant, ...]
) -> None:
    with pytest.raises(WrongDeclaration, match="contract 'visits'") as refusal:
        granting(*grants)
    assert sentence in str(refusal.value)


def test_one_scope_may_be_granted_more_by_one_credential_than_by_another() -> None:
    both = (
        Grant("sales", by=(Credential.KEY,), columns=("id", "at")),
        Grant("sales", by=(Credential.TOKEN,)),
        Grant(columns=("id", "at")),
    )
    assert granting(*both).access.grants == both


def test_a_narrowed_contract_has_no_trace_of_what_is_hidden() -> None:
    narrowed = narrow(granting(Grant("secret-scope", columns=("id", "at", "tenant"))), ("at", "id", "tenant"))
    assert [column.name for column in narrowed.stored_columns] == ["id", "at", "tenant"]
    assert narrowed.clustered_by == ("tenant",)
    assert narrowed.access == CLOSED
    assert "secret" not in repr(narrowed)
    with pytest.raises(KeyError):
        narrowed.column("secret")


def test_system_columns_are_hidden_like_any_other() -> None:
    whole = granting(Grant())
    assert narrow(whole, ("id", "at")).stored_columns == (KEY, EVENT_TIME)
    shown = narrow(whole, ("_extra", "_message_id", "id", "at"))
    assert [column.name for column in shown.stored_columns] == ["id", "at", "_message_id", "_extra"]


@pytest.mark.parametrize(
    "attribute", ["name", "version", "dataset", "key", "event_time", "retention", "owner"]
)
def test_a_narrowed_contract_is_otherwise_the_same(attribute: str) -> None:
    whole = granting(Grant())
    narrowed: Any = narrow(whole, ("id", "at"))
    assert getattr(narrowed, attribute) == getattr(whole, attribute)
