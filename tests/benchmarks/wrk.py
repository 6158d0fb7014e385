"""Drives `wrk`, a load generator that is faster than any server measured here.

The one in `benchmarks.load` is written in Python and answers a tenth of what a cache does: it would measure
itself. wrk's closed model keeps each connection busy; requests are prepared before the first is sent.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.postgres import NotInstalled

_MARK = "measured "
_SCRIPT = """
local requests, number = {}, 0
init = function(_)
  for line in io.lines("%(paths)s") do
    requests[#requests + 1] = wrk.format(%(method)s, line, %(headers)s, %(body)s)
  end
end
request = function()
  number = number %% #requests + 1
  return requests[number]
end
done = function(summary, latency)
  local errors = summary.errors
  local written = {
    requests = summary.requests, refused = errors.status,
    failed = errors.connect + errors.read + errors.write,
    seconds = summary.duration / 1e6, p50_ms = latency:percentile(50) / 1e3,
    p95_ms = latency:percentile(95) / 1e3, p99_ms = latency:percentile(99) / 1e3,
  }
  local parts = {}
  for name, value in pairs(written) do parts[#parts + 1] = string.format('"%%s": %%.10g', name, value) end
  io.write("%(mark)s{" .. table.concat(parts, ", ") .. "}\\n")
end
"""


@dataclass(frozen=True)
class Load:
    """What one run of wrk measured. `refused` had a status of 400 or more, `failed` no answer at all."""

    requests: int
    refused: int
    failed: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Return answers a second."""
        return self.requests / self.seconds


@dataclass(frozen=True)
class Drive:
    """How to ask: paths in turn, all with the same fields, over so many connections."""

    paths: Sequence[str]
    headers: Mapping[str, str]
    connections: int
    seconds: float
    body: str | None = None


def find_wrk() -> str:
    """Return the program; raises NotInstalled."""
    found = shutil.which("wrk")
    if found is None:
        raise NotInstalled("wrk is missing; on Debian: apt-get install wrk")
    return found


def run_wrk(address: str, drive: Drive, folder: Path) -> Load:
    """Drive the server at `host:port` and return what was measured; the script is kept in the folder."""
    paths, script = folder / "paths.txt", folder / "drive.lua"
    paths.write_text("".join(f"{path}\n" for path in drive.paths))
    script.write_text(lua_script(drive, paths))
    # One thread: the server needs the other processor.
    options = [
        "-t1",
        f"-c{drive.connections}",
        f"-d{drive.seconds:g}s",
        "--timeout",
        "30s",
        "-s",
        str(script),
    ]
    command = [find_wrk(), *options, f"http://{address}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    return parse_load(done.stdout + done.stderr)


def parse_load(output: str) -> Load:
    """Return what a run's output says; raises ValueError when it says nothing."""
    for line in output.splitlines():
        if line.startswith(_MARK):
            return Load(**json.loads(line.removeprefix(_MARK)))
    raise ValueError(f"wrk measured nothing: {output}")


def lua_script(drive: Drive, paths: Path) -> str:
    """Return what wrk runs: requests made of the file's paths, and a line of JSON at the end."""
    fields = ", ".join(f"[{_quoted(name)}] = {_quoted(value)}" for name, value in drive.headers.items())
    return _SCRIPT % {
        "paths": paths,
        "method": _quoted("GET" if drive.body is None else "POST"),
        "headers": f"{{{fields}}}",
        "body": "nil" if drive.body is None else _quoted(drive.body),
        "mark": _MARK,
    }


def _quoted(text: str) -> str:
    # JSON's escapes of printable ASCII are Lua's.
    return json.dumps(text)
