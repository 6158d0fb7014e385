"""The README tells of every alert there is, and of none there is not."""

from __future__ import annotations

import re

from exposure.contracts.catalog import CATALOG
from fakes.operations_plan import ALERT, changed, of_type, watch
from fakes.paper import tables
from fakes.workflow import ROOT


def general(title: str) -> str:
    """Return an alert's title without its contract and its hours."""
    for contract in CATALOG:
        title = title.replace(f"{contract.name}: ", "…: ")
    return re.sub(r"\(\d+ h\)", "(… h)", title)


def test_operating_has_a_line_for_each_alert_with_its_meaning_and_first_step() -> None:
    alerts = of_type(watch(changed("prod", access="public", canary=True)), ALERT).values()
    lines = tables(ROOT / "README.md", "Operate")
    assert {line[0] for line in lines} == {general(alert.inputs["displayName"]) for alert in alerts}
    assert len({line[0] for line in lines}) == len(lines)
    assert all(len(line) == 3 and all(line) for line in lines)
