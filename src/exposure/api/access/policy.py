"""What a caller sees of the catalog: contracts without their hidden columns, rows bound to their claims.

What is not in a view does not exist for its caller: everything behind is made from the view alone.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from exposure.api.access.caller import Caller
from exposure.contracts.access import Bound, Credential, Grant
from exposure.contracts.catalog import Catalog
from exposure.contracts.model import Contract
from exposure.contracts.narrowed import narrow
from exposure.query.grammar import MAX_IN_VALUES, scalar_of
from exposure.query.model import Filter, Operator
from exposure.query.values import parse_value

_KEPT_VIEWS = 1024


@dataclass(frozen=True)
class View:
    """What one caller sees.

    `filters` holds, for every contract of the catalog, what must be asked of its rows beside the question.
    `shape` is equal for callers who see the same catalog, whichever rows; `fingerprint` for those who see
    the same rows too.
    """

    catalog: Catalog
    filters: Mapping[str, tuple[Filter, ...]]
    shape: tuple[int | None, ...]
    fingerprint: bytes


@dataclass(frozen=True)
class _Part:
    """One contract of a view: the grant that decides, by its place, and what must be asked of rows."""

    contract: Contract
    place: int
    filters: tuple[Filter, ...]


class Policy:
    """The grants of every contract of one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        grants = [grant for contract in catalog for grant in contract.access.grants]
        self._scopes = frozenset(grant.scope for grant in grants if grant.scope is not None)
        self._claims = tuple(sorted({bound.claim for grant in grants for bound in grant.rows}))
        # One object for each, so that what a question is asked of can be compared by identity.
        self._narrowed = {
            (contract.name, place): _narrowed(contract, grant)
            for contract in catalog
            for place, grant in enumerate(contract.access.grants)
        }
        self._views = functools.lru_cache(_KEPT_VIEWS)(self._make)

    def view(self, caller: Caller) -> View:
        """Return what the caller sees."""
        claims = tuple((name, caller.claim(name)) for name in self._claims)
        # Whoever has the same of what grants ask for sees the same.
        return self._views(caller.credential, self._scopes & caller.scopes, claims)

    def _make(
        self,
        credential: Credential | None,
        scopes: frozenset[str],
        claims: tuple[tuple[str, tuple[str, ...]], ...],
    ) -> View:
        caller = Caller("", credential, scopes, claims)
        parts = [self._part(contract, caller) for contract in self._catalog]
        seen = [part for part in parts if part is not None]
        return View(
            catalog=Catalog(tuple(part.contract for part in seen)),
            filters={part.contract.name: part.filters for part in seen},
            shape=tuple(None if part is None else part.place for part in parts),
            fingerprint=_fingerprint(seen),
        )

    def _part(self, contract: Contract, caller: Caller) -> _Part | None:
        for place, grant in enumerate(contract.access.grants):
            filters = _filters(contract, grant, caller)
            if filters is not None:
                return _Part(self._narrowed[contract.name, place], place, filters)
        return None


def visible(contract: Contract, caller: Caller) -> Contract | None:
    """Return the contract as the caller sees it; None when it does not exist for them."""
    for grant in contract.access.grants:
        if _filters(contract, grant, caller) is not None:
            return _narrowed(contract, grant)
    return None


def _narrowed(contract: Contract, grant: Grant) -> Contract:
    return contract if grant.columns is None else narrow(contract, grant.columns)


def _filters(contract: Contract, grant: Grant, caller: Caller) -> tuple[Filter, ...] | None:
    """Return what the grant asks of rows for this caller; None when it is not theirs."""
    if grant.scope is not None and (grant.scope not in caller.scopes or caller.credential not in grant.by):
        return None
    filters = [_filter(contract, bound, caller.claim(bound.claim)) for bound in grant.rows]
    return None if None in filters else tuple(one for one in filters if one is not None)


def _filter(contract: Contract, bound: Bound, texts: tuple[str, ...]) -> Filter | None:
    column, texts = contract.column(bound.column), tuple(sorted(set(texts)))
    if not 1 <= len(texts) <= MAX_IN_VALUES:
        return None
    try:
        values = tuple(parse_value(scalar_of(column), text) for text in texts)
    except ValueError:
        # A claim that is none of the column's values is equal to none of them.
        return None
    return Filter(column, Operator.EQ, values[0]) if len(values) == 1 else Filter(column, Operator.IN, values)


def _fingerprint(seen: list[_Part]) -> bytes:
    """Return what differs whenever two callers see other contracts, columns or rows."""
    content = [
        [
            part.contract.name,
            sorted(column.name for column in part.contract.stored_columns),
            [[one.column.name, str(one.operator), repr(one.value)] for one in part.filters],
        ]
        for part in seen
    ]
    return hashlib.sha256(json.dumps(content).encode()).digest()
