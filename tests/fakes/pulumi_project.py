"""The repository's Pulumi project in a folder of its own, run by the real `pulumi` command.

Its state is a folder, its providers are attached to; no account, no download, nothing written elsewhere.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from fakes.pulumi_provider import PACKAGES

_ROOT = Path(__file__).parent.parent.parent
_MOST_SECONDS = 120


@dataclass(frozen=True)
class PulumiProject:
    """One stack of the project in `folder`; `port` is where its providers answer."""

    folder: Path
    stack: str
    port: int

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command on the stack and return how it ended."""
        return subprocess.run(
            ["pulumi", *command, "--stack", self.stack, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=os.environ | self._environment(),
            capture_output=True,
            text=True,
            timeout=_MOST_SECONDS,
            check=False,
        )

    def edit(self, old: str, new: str) -> None:
        """Change the stack's settings, where `old` is written once."""
        path = self.folder / f"Pulumi.{self.stack}.yaml"
        before, after = path.read_text().split(old)
        path.write_text(f"{before}{new}{after}")

    def _environment(self) -> dict[str, str]:
        state = self.folder / "state"
        state.mkdir(exist_ok=True)
        return {
            "PULUMI_BACKEND_URL": state.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "of tests",
            "PULUMI_DEBUG_PROVIDERS": ",".join(f"{package}:{self.port}" for package in PACKAGES),
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(self.folder / "home"),
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }


def copy_project(folder: Path) -> None:
    """Put the project, its program and an environment that runs it into an empty folder."""
    for file in _ROOT.glob("Pulumi*.yaml"):
        shutil.copy(file, folder)
    shutil.copytree(_ROOT / "stacks", folder / "stacks", ignore=shutil.ignore_patterns("__pycache__"))
    # Pulumi lists the packages with pip, which the environment the tests run in need not have.
    environment = folder / ".venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    here = sysconfig.get_path("purelib")
    there = sysconfig.get_path("purelib", vars={"base": str(environment)})
    (Path(there) / "tests.pth").write_text(f"import site; site.addsitedir({here!r})\n")
