"""Schemathesis asks what the OpenAPI document promises, and what it forbids, with every check it has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from fakes import schemathesis_hooks
from fakes.served_api import served_api

# Each operation's own cases come from the document; so many more of each are random.
_RANDOM_CASES = 10


# It takes a minute where nothing else runs.
@pytest.mark.timeout(900)
def test_every_answer_is_as_the_document_says_and_none_is_an_error_of_ours(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    config = tmp_path / "schemathesis.toml"
    config.write_text(f'hooks = "{schemathesis_hooks.__file__}"\n')
    with served_api(warehouse) as served:
        found = subprocess.run(
            [
                Path(sys.executable).with_name("schemathesis"),
                *("--config-file", config, "run", f"{served.url}/openapi.json"),
                *("--checks", "all", "--phases", "examples,coverage,fuzzing"),
                *("--max-examples", str(_RANDOM_CASES), "--seed", "1", "--continue-on-failure"),
                # How long cases take to be drawn is the machine's affair.
                *("--suppress-health-check", "all"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    assert found.returncode == 0, found.stdout[-4000:]
    assert "17/17" in found.stdout, "every operation was asked"
