"""What the repository's own papers name is there."""

from __future__ import annotations

import re

import pytest

from fakes.workflow import ROOT

NAMED = re.compile(r"`((?:\.github|requirements|src|stacks|tests)/[\w./-]*|[\w.]+\.(?:toml|md))`")
TARGET = re.compile(r"`?make (\w+)")


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md"])
def test_every_file_and_every_make_target_named_exists(name: str) -> None:
    text = (ROOT / ".github" / name).read_text()
    paths = NAMED.findall(text)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []
    makefile = (ROOT / "Makefile").read_text()
    assert [target for target in TARGET.findall(text) if f"\n{target}:" not in makefile] == []
