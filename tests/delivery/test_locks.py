"""A lock is whole: whoever installs one asks no resolver what it might have meant."""

from __future__ import annotations

import re

import pytest

from fakes.workflow import ROOT

INSTALLERS = ("Makefile", "stacks/Dockerfile", ".github/delivery/install.sh")


@pytest.mark.parametrize("installer", INSTALLERS)
def test_a_lock_is_installed_by_its_hashes_and_without_a_resolver(installer: str) -> None:
    installs = re.findall(r"pip install\b.*-r .*", (ROOT / installer).read_text())
    assert installs
    for install in installs:
        assert {"--require-hashes", "--no-deps"} <= set(install.split()), install


def test_nothing_else_installs_a_lock() -> None:
    workflows = (ROOT / ".github" / "workflows").glob("*.yml")
    assert not [str(workflow) for workflow in workflows if "pip install" in workflow.read_text()]
