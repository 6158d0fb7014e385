"""What wrk's script prints is read back; what it did not print is no measurement."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.wrk import Drive, Load, lua_script, parse_load

_MEASURED = Load(requests=100, refused=2, failed=0, seconds=2, p50_ms=1, p95_ms=3, p99_ms=4)
_LINE = f"measured {json.dumps(vars(_MEASURED))}"


def test_a_run_is_read_from_among_what_wrk_prints_itself() -> None:
    load = parse_load(f"Running 2s test @ http://127.0.0.1:1\n{_LINE}\n")
    assert load == _MEASURED
    assert load.rate == 50


def test_a_run_without_a_measurement_is_an_error_that_shows_what_was_printed() -> None:
    with pytest.raises(ValueError, match="unable to connect"):
        parse_load("unable to connect to 127.0.0.1")


def test_the_script_holds_method_fields_and_body_as_lua_writes_them() -> None:
    drive = Drive(["/"], {"X-API-Key": 'a"b'}, 1, 2, body="SELECT 1")
    assert 'wrk.format("POST", line, {["X-API-Key"] = "a\\"b"}, "SELECT 1")' in lua_script(drive, Path("p"))
    assert 'wrk.format("GET", line, {}, nil)' in lua_script(Drive(["/"], {}, 1, 2), Path("p"))
