"""The file of a secret: whole or not there, and nobody else's."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from exposure.local.pubsub.key_file import load_or_make


def test_a_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "one.key"
    assert load_or_make(path, lambda: b"first") == b"first"
    assert load_or_make(path, lambda: b"second") == b"first"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_start_that_died_while_it_wrote_leaves_no_half_key_behind(tmp_path: Path) -> None:
    (tmp_path / "one.new").write_bytes(b"ha")
    assert load_or_make(tmp_path / "one.key", lambda: b"whole") == b"whole"


def test_a_power_cut_at_any_moment_finds_the_key_whole_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "one.key"
    seen: list[tuple[bool, bool]] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        seen.append((is_folder, path.exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    load_or_make(path, lambda: b"whole")
    assert seen == [(False, False), (True, True)]
