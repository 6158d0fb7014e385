"""`exposure local` as a person runs it: a process of its own, its output, its signals and its exit codes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from exposure.commands import local
from exposure.local.platform import Addresses
from fakes.dead_proxy import PROXY_VARIABLES

PATIENCE_SECONDS = 60
FREE_PORTS = ("--api-port", "0", "--ingest-port", "0", "--pubsub-port", "0")
# A warehouse that takes rows and never answers, which no flag can bring about.
SILENT_WAREHOUSE = """
import asyncio, sys
from exposure.warehouse.duckdb_writer import DuckDBWriter

async def never(*_):
    print("a row was handed over", file=sys.stderr, flush=True)
    await asyncio.Event().wait()

DuckDBWriter.append = never
"""
IMPATIENT = "from exposure.commands import local; local._VISIBLE_SECONDS = 0.5\n"
BROKEN_TICK = """
from exposure.local.pubsub.broker import Broker
def broken(self):
    raise ZeroDivisionError("planted")
Broker.wake = broken
"""
RUN = "from exposure.__main__ import main; main()\n"


def command(data_dir: Path, *options: str, planted: str = "") -> list[str]:
    """Return the command over a data folder, on free ports unless told otherwise."""
    ports = () if any("-port" in option for option in options) else FREE_PORTS
    start = ["-c", planted + RUN] if planted else ["-m", "exposure"]
    return [sys.executable, *start, "local", "--data-dir", str(data_dir), *ports, *options]


def environment(**values: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PUBSUB_EMULATOR_HOST"} | values


def run(arguments: list[str], **values: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
        env=environment(**values),
    )


@contextmanager
def running(arguments: list[str], **values: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(**values)
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Return standard error up to the line that holds the text."""
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


def end(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, str]:
    process.send_signal(number)
    _, complaints = process.communicate(timeout=PATIENCE_SECONDS)
    return process.returncode, complaints


def one_line(finished: subprocess.CompletedProcess[str]) -> str:
    assert finished.returncode == 1
    assert finished.stderr.count("\n") == 1, finished.stderr
    assert finished.stderr.startswith("exposure: ")
    return finished.stderr


def test_as_json_it_prints_one_line_of_addresses_that_answer_and_a_signal_ends_it_with_0(
    tmp_path: Path,
) -> None:
    with running(command(tmp_path, "--json", "--no-sample")) as process:
        assert process.stdout is not None
        addresses = Addresses(**json.loads(process.stdout.readline()))
        assert httpx2.get(f"{addresses.api}/v1/analytics_table", trust_env=False).status_code == 200
        assert httpx2.get(f"{addresses.ingest}/health/live", trust_env=False).status_code == 204
        assert addresses.pubsub.startswith("127.0.0.1:")
        code, talk = end(process)
    assert (code, talk) == (0, "stopping; what was published is kept\n")


def test_ctrl_c_ends_it_like_a_signal(tmp_path: Path) -> None:
    with running(command(tmp_path, "--no-sample")) as process:
        read_until(process, "Ctrl-C stops")
        code, talk = end(process, signal.SIGINT)
    assert (code, talk.strip()) == (0, "stopping; what was published is kept")


def test_the_printed_commands_can_be_typed_and_lead_here(tmp_path: Path) -> None:
    with running(command(tmp_path, "--no-sample")) as process:
        lines = read_until(process, "publish  ").splitlines()
        typed = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines if line}
        # A shell finds the programs of this environment, and nothing tells it where Pub/Sub is.
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        published = run(["sh", "-c", typed["publish"]], PATH=path)
        read = run(["sh", "-c", typed["read"]], PATH=path)
    assert published.stdout.startswith("1 published to projects/local/topics/data-ingestion-topic")
    assert json.loads(read.stdout)["complete"] is True


@pytest.mark.parametrize(
    ("told", "address", "option"),
    [
        (None, "127.0.0.1:8085", ""),
        (None, "127.0.0.1:9085", " --emulator 127.0.0.1:9085"),
        ("127.0.0.1:9085", "127.0.0.1:9085", ""),
        ("elsewhere:8085", "127.0.0.1:8085", " --emulator 127.0.0.1:8085"),
    ],
)
def test_the_way_to_pubsub_is_printed_unless_publish_finds_it_alone(
    monkeypatch: pytest.MonkeyPatch, told: str | None, address: str, option: str
) -> None:
    monkeypatch.delenv("PUBSUB_EMULATOR_HOST", raising=False)
    if told is not None:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", told)
    assert local._where(Addresses("", "", address)) == option


@pytest.mark.parametrize(
    ("started_as", "typed"),
    [
        ("exposure", "./exposure"),
        (".venv/bin/exposure", ".venv/bin/exposure"),
        ("a b/exposure", "'a b/exposure'"),
        ("../exposure", None),
    ],
)
def test_the_program_is_named_as_a_shell_finds_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, started_as: str, typed: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "argv", [started_as])
    assert local._program() == (typed or str(tmp_path / started_as))


def test_a_module_is_named_with_its_interpreter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "exposure" / "__main__.py")])
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    assert local._program() == "bin/python -m exposure"


@pytest.mark.parametrize("which", ["--api-port", "--pubsub-port"])
def test_a_port_in_use_is_one_line_with_the_way_out(tmp_path: Path, which: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ports = {"--api-port": "0", "--ingest-port": "0", "--pubsub-port": "0", which: port}
        finished = run(command(tmp_path, *(part for option in ports.items() for part in option)))
    assert f"port {port} is in use by another process; choose others with --api-port" in one_line(finished)


def test_a_data_folder_in_use_is_one_line(tmp_path: Path) -> None:
    with running(command(tmp_path, "--no-sample")) as process:
        read_until(process, "Ctrl-C stops")
        assert "is in use by another process" in one_line(run(command(tmp_path)))


@pytest.mark.parametrize("name", ["page-token.key", "warehouse.duckdb"])
def test_a_broken_file_is_one_line_that_names_it(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"cut short")
    assert f"{tmp_path / name} " in one_line(run(command(tmp_path)))


def test_a_data_folder_that_is_a_file_is_one_line_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert one_line(run(command(tmp_path / "file"))) == f"exposure: {tmp_path / 'file'}: File exists\n"


def test_once_works_whatever_proxy_the_environment_names(tmp_path: Path) -> None:
    finished = run(command(tmp_path, "--once"), **PROXY_VARIABLES, no_proxy="", NO_PROXY="")
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr.count("published to visible") == 2


def test_once_that_shows_nothing_says_how_far_it_came_and_ends_with_1(tmp_path: Path) -> None:
    finished = run(command(tmp_path, "--once", planted=SILENT_WAREHOUSE + IMPATIENT))
    assert finished.returncode == 1
    last = finished.stderr.splitlines()[-1]
    assert last == "exposure: analytics_table: 0 of 5 rows are visible after 0 s"
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize(("option", "code"), [("--sample", 0), ("--once", 1)])
def test_a_signal_ends_it_also_while_samples_and_a_push_are_under_way(
    tmp_path: Path, option: str, code: int
) -> None:
    with running(command(tmp_path, option, planted=SILENT_WAREHOUSE)) as process:
        read_until(process, "a row was handed over")
        ended, complaints = end(process)
    assert ended == code
    assert "stopping; what was published is kept" in complaints
    assert "Traceback" not in complaints


def test_an_error_that_ends_deadlines_and_retries_ends_the_platform_with_1(tmp_path: Path) -> None:
    finished = run(command(tmp_path, "--no-sample", planted=BROKEN_TICK))
    assert finished.returncode == 1
    last = finished.stderr.splitlines()[-1]
    assert last == "exposure: the local Pub/Sub ended by an error of its own: ZeroDivisionError('planted')"
    assert "deadlines and retries have ended" in finished.stderr
