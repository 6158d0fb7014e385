"""Every contract the platform exposes. To expose one more dataset, write its file and add its line here."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from exposure.contracts import analytics_table, orders
from exposure.contracts.model import Contract
from exposure.contracts.rules import WrongDeclaration


class UnknownContract(LookupError):
    """A name no contract has. `suggestion` is the nearest name, or None."""

    def __init__(self, name: str, suggestion: str | None) -> None:
        hint = f"; did you mean '{suggestion}'?" if suggestion else ""
        super().__init__(f"there is no contract '{name}'{hint}")
        self.name = name
        self.suggestion = suggestion


@dataclass(frozen=True)
class Catalog:
    """The exposed contracts, by name, in the order they are declared."""

    contracts: tuple[Contract, ...]

    def __post_init__(self) -> None:
        """Refuse two contracts that would share a name or a topic, with WrongDeclaration."""
        for role in ("name", "topic"):
            values = [getattr(contract, role) for contract in self.contracts]
            twins = sorted({value for value in values if values.count(value) > 1})
            if twins:
                raise WrongDeclaration(f"two contracts have the {role} '{twins[0]}'; rename one of them")

    def __iter__(self) -> Iterator[Contract]:
        return iter(self.contracts)

    def get(self, name: str) -> Contract:
        """Return the contract of that name; raise UnknownContract with the nearest name."""
        for contract in self.contracts:
            if contract.name == name:
                return contract
        near = difflib.get_close_matches(name, [contract.name for contract in self.contracts], n=1)
        raise UnknownContract(name, near[0] if near else None)


CATALOG = Catalog((analytics_table.CONTRACT, orders.CONTRACT))
