"""Somebody who types what a paper says, in an empty folder, beside a platform that runs.

Addresses are those of the platform of this test; nothing else of a command is changed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from fakes.local_platform import LocalPlatform
from fakes.paper import Block

ROOT = Path(__file__).parent.parent.parent
# Its commands know the platform's usual addresses by heart; this one's are elsewhere.
_EXPOSURE = """#!{python}
import sys
from exposure.commands import local_addresses
local_addresses.LOCAL_API, local_addresses.LOCAL_INGEST = "{api}", "{ingest}"
local_addresses.LOCAL_PUBSUB = "{pubsub}"
from exposure.__main__ import main
main()
"""
# Whatever a lock's age: a test installs nothing.
_MAKE = """#!/bin/sh
PATH={path}
exec make -C {root} BIN={scripts} -o {venv}/.local-installed -o {venv}/.dev-installed "$@"
"""
# An answer that is an error is a failed command, and a proxy is nobody's business.
_CURLRC = 'fail\nsilent\nshow-error\nnoproxy = "*"\n'


class Newcomer:
    """Runs blocks one after the other in `folder`, whose `.exposure` is the platform's."""

    def __init__(self, folder: Path, platform: LocalPlatform) -> None:
        self._folder, self._platform = folder, platform
        scripts = folder / "scripts"
        scripts.mkdir()
        self._tool(scripts / "exposure", _EXPOSURE.format(python=sys.executable, **self._addresses()))
        here = {"path": os.environ["PATH"], "root": ROOT, "venv": ".venv"}
        self._tool(scripts / "make", _MAKE.format(scripts=Path(sys.executable).parent, **here))
        (scripts / ".curlrc").write_text(_CURLRC)
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        free = f"--data-dir {folder}/once --api-port 0 --ingest-port 0 --pubsub-port 0"
        self._environment = {
            **kept,
            "PATH": f"{scripts}:{kept['PATH']}",
            "CURL_HOME": str(scripts),
            "PUBSUB_EMULATOR_HOST": platform.pubsub,
            # `make run` goes on until Ctrl-C; here it ends by itself.
            "ARGS": f"--once {free}",
        }

    def types(self, block: Block) -> str:
        """Run the block and return what it printed; AssertionError when one of its commands fails."""
        runs = {"sh": ["bash", "-euo", "pipefail", "-c"], "python": [sys.executable, "-c"]}[block.language]
        finished = subprocess.run(
            [*runs, self._here(block.text)],
            cwd=self._folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )
        assert finished.returncode == 0, f"{block.text}\n{finished.stdout}\n{finished.stderr}"
        return finished.stdout

    def _here(self, text: str) -> str:
        usual = {
            "api": "http://127.0.0.1:8080",
            "ingest": "http://127.0.0.1:8081",
            "pubsub": "127.0.0.1:8085",
        }
        for name, address in self._addresses().items():
            text = text.replace(usual[name], address)
        return text

    def _addresses(self) -> dict[str, str]:
        return {"api": self._platform.api, "ingest": self._platform.ingest, "pubsub": self._platform.pubsub}

    @staticmethod
    def _tool(path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)
