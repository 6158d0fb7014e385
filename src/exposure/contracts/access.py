"""Who may read a contract's rows, which columns and which rows of it: part of the declaration.

Pure words and what makes them wrong. How a caller proves who they are, and how the words are enforced, is the
API's (`exposure.api.access`). What a contract grants nobody, nobody sees: a contract without grants is served
to no one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from exposure.contracts.rules import WrongDeclaration
from exposure.contracts.types import Scalar, describe

if TYPE_CHECKING:
    from exposure.contracts.model import Contract

SCOPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@/+-]{0,199}")
CLAIM = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/-]{0,199}")
# Types of which two spellings of one value are equal, and no value differs from itself.
_BOUND_TYPES = (Scalar.STRING, Scalar.INTEGER, Scalar.DECIMAL, Scalar.BOOLEAN, Scalar.DATE)


class Credential(StrEnum):
    """How a caller proves who they are: an API key of ours, or a token signed by somebody we trust."""

    KEY = "key"
    TOKEN = "token"  # noqa: S105 - a word


@dataclass(frozen=True)
class Bound:
    """Only rows whose `column` equals the caller's `claim`, or one of its values when it has several.

    A caller without that claim, or with a value that is none of the column's type, is not granted anything.
    """

    column: str
    claim: str


@dataclass(frozen=True)
class Grant:
    """What callers with `scope` see; without a scope, everybody, also without any credential.

    `columns` names the visible columns, system columns included; None means all of them. They hold the key
    and the event time, by which rows are found and ordered. Every one of `rows` restricts the rows. `by`
    says which credentials count.

    A token of a verified e-mail address has the scopes `email:<address>` and, when it says so, `domain:<hd>`
    beside those it claims.
    """

    scope: str | None = None
    columns: tuple[str, ...] | None = None
    rows: tuple[Bound, ...] = ()
    by: tuple[Credential, ...] = (Credential.KEY, Credential.TOKEN)


@dataclass(frozen=True)
class Access:
    """The grants of one contract. The first that fits a caller decides; grants are never added up.

    Together, the columns of one and the rows of another would be more than either of them grants.
    """

    grants: tuple[Grant, ...] = ()


PUBLIC = Access((Grant(),))
CLOSED = Access()


def check_access(contract: Contract) -> None:
    """Raise WrongDeclaration when a grant names what the contract has not, or can never apply."""
    seen: set[tuple[str | None, Credential]] = set()
    for grant in contract.access.grants:
        _check_scope(contract, grant)
        if any(scope is None for scope, _ in seen):
            raise _wrong(contract, f"{_named(grant)} stands behind the one to everybody; put that one last")
        kinds = {(grant.scope, kind) for kind in grant.by}
        if kinds & seen:
            raise _wrong(contract, f"{_named(grant)} never applies, an earlier one has its scope; merge them")
        seen |= kinds
        _check_columns(contract, grant)
        _check_rows(contract, grant)


def _check_scope(contract: Contract, grant: Grant) -> None:
    if grant.scope is not None and not SCOPE.fullmatch(grant.scope):
        raise _wrong(
            contract, f"scope '{grant.scope}' may hold letters, digits and _.:@/+-, 200 characters at most"
        )
    if not grant.by:
        raise _wrong(contract, f"{_named(grant)} counts no credential; name one in `by`")
    if grant.scope is None and len(grant.by) < len(Credential):
        raise _wrong(contract, "the grant to everybody asks for no credential; leave out `by`")


def _check_columns(contract: Contract, grant: Grant) -> None:
    if grant.columns is None:
        return
    stored = [column.name for column in contract.stored_columns]
    unknown = sorted(set(grant.columns) - set(stored))
    if unknown:
        raise _wrong(
            contract,
            f"{_named(grant)} names '{unknown[0]}', which is no column; choose of: {', '.join(stored)}",
        )
    if len(set(grant.columns)) < len(grant.columns):
        raise _wrong(contract, f"{_named(grant)} names a column twice; name it once")
    for role, name in (("key", contract.key), ("event time", contract.event_time)):
        if name not in grant.columns:
            raise _wrong(
                contract,
                f"{_named(grant)} hides the {role} '{name}', by which rows are found and ordered; add it",
            )


def _check_rows(contract: Contract, grant: Grant) -> None:
    if grant.rows and grant.scope is None:
        raise _wrong(
            contract, "the grant to everybody is bound to a claim, and everybody has none; name a scope"
        )
    for bound in grant.rows:
        found = [column for column in contract.columns if column.name == bound.column]
        if not found:
            raise _wrong(
                contract, f"{_named(grant)} is bound by '{bound.column}', which is no declared column"
            )
        if found[0].type not in _BOUND_TYPES:
            raise _wrong(
                contract,
                f"{_named(grant)} is bound by '{bound.column}', which is {describe(found[0].type)}; bind by "
                "a string, an integer, a decimal, a boolean or a date",
            )
        if not CLAIM.fullmatch(bound.claim):
            raise _wrong(
                contract, f"claim '{bound.claim}' may hold letters, digits and _.:/-, 200 characters at most"
            )


def _named(grant: Grant) -> str:
    return "the grant to everybody" if grant.scope is None else f"the grant to '{grant.scope}'"


def _wrong(contract: Contract, what: str) -> WrongDeclaration:
    return WrongDeclaration(f"contract '{contract.name}': {what}")
