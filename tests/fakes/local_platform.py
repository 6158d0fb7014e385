"""The embedded platform as a person starts it: a process of its own, found by the line it prints."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

START_SECONDS = 60


class LocalPlatform:
    """`exposure local --json` on free ports over one data folder; may be killed and started again."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._process: subprocess.Popen[str] | None = None
        self.api = ""
        self.ingest = ""
        self.pubsub = ""

    def start(self) -> LocalPlatform:
        command = [
            sys.executable, "-m", "exposure", "local", "--json", "--no-sample",
            "--data-dir", str(self._data_dir), "--api-port", "0", "--ingest-port", "0", "--pubsub-port", "0",
        ]  # fmt: skip
        log = (self._data_dir.parent / "platform.log").open("a")
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        log.close()
        if not line:
            raise AssertionError((self._data_dir.parent / "platform.log").read_text())
        addresses = json.loads(line)
        self.api, self.ingest = addresses["api"], addresses["ingest"]
        self.pubsub = addresses["pubsub"]
        return self

    def kill(self) -> None:
        """End the process as a power cut would: no signal handler, no flush."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End the process as a person does and return its exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        assert self._process is not None
        os.kill(self._process.pid, number)
        code = self._process.wait(timeout=20)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None
        return code

    def __enter__(self) -> LocalPlatform:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.kill()
