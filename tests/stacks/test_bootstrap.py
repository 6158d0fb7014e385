"""The script a person runs before the first `pulumi up`, against a gcloud that remembers what it was told."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent.parent / "stacks" / "bootstrap.sh"
GCLOUD = """#!/bin/sh
echo "$*" >> "$TOLD"
case "$*" in
  *projects\\ describe*) echo 100000000001 ;;
  secrets\\ create*) cat > "$TOLD.secret" ;;
  *describe*) [ -e "$TOLD.exists" ] ;;
esac
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the stand-in for gcloud writes its command lines."""
    gcloud = tmp_path / "gcloud"
    gcloud.write_text(GCLOUD)
    gcloud.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))
    return tmp_path / "told"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *arguments], capture_output=True, text=True, check=False, timeout=30)


def created(told: Path) -> list[str]:
    return [line for line in told.read_text().splitlines() if " create " in line]


def test_an_empty_project_gets_one_private_bucket_and_one_rotating_key(told: Path) -> None:
    finished = run("dev", "data-exposure-dev", "europe-west1")
    assert finished.returncode == 0, finished.stderr
    identity, bucket, ring, key, secret = created(told)
    assert identity.startswith("beta services identity create --service run.googleapis.com ")
    assert bucket.startswith("storage buckets create gs://data-exposure-dev-pulumi-state ")
    assert "--public-access-prevention" in bucket
    assert "--uniform-bucket-level-access" in bucket
    assert ring.startswith("kms keyrings create pulumi ")
    assert key.startswith("kms keys create state --keyring pulumi ")
    assert "--rotation-period 90d" in key
    assert secret.startswith("secrets create page-token-keys ")
    assert "--locations europe-west1" in secret
    assert len(base64.b64decode(told.with_suffix(".secret").read_text(), validate=False)) == 32
    assert "state_bucket:   data-exposure-dev-pulumi-state" in finished.stdout
    assert "project_number: 100000000001" in finished.stdout


def test_run_again_it_makes_nothing(told: Path) -> None:
    told.with_suffix(".exists").touch()
    assert run("dev", "data-exposure-dev", "europe-west1").returncode == 0
    assert [line.split()[:3] for line in created(told)] == [["beta", "services", "identity"]]


def test_without_its_three_words_it_says_which(told: Path) -> None:
    finished = run("dev")
    assert finished.returncode == 2
    assert "STACK PROJECT LOCATION" in finished.stderr
    assert not told.exists()
