"""The catalog as it was last released, and the rule that nothing breaks without saying so.

`make golden` rewrites the snapshots; it does not rewrite one that the contract must not replace.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from exposure.contracts.catalog import CATALOG
from exposure.contracts.diff import compare
from exposure.contracts.export.odcs import Deployment, contract_document
from exposure.contracts.export.odcs_reader import read_contract
from exposure.contracts.model import Contract

SNAPSHOTS = Path(__file__).parents[1] / "golden" / "contracts"
ANYWHERE = Deployment("golden", "some-project", "https://api.example.com")


def exported(contract: Contract) -> str:
    return json.dumps(contract_document(contract, ANYWHERE), indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("contract", CATALOG.contracts, ids=lambda contract: contract.name)
def test_no_contract_changes_without_the_version_its_change_needs(contract: Contract) -> None:
    snapshot = SNAPSHOTS / f"{contract.name}.json"
    if snapshot.exists():
        found = compare(read_contract(json.loads(snapshot.read_text())), contract)
        assert found.refusal is None, f"{found.refusal}: {found.changes}"
    if os.environ.get("UPDATE_GOLDEN"):
        snapshot.write_text(exported(contract))
    assert snapshot.read_text() == exported(contract), "run `make golden` and review the difference"


def test_no_contract_that_was_released_disappears_with_its_readers() -> None:
    assert {file.stem for file in SNAPSHOTS.glob("*.json")} == {contract.name for contract in CATALOG}
