"""The repository's Pulumi project in a folder of its own, run by the real `pulumi` command.

Its state is a folder, its providers are attached to; no account, no download, nothing written elsewhere.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fakes.plan_environments import settings_for
from fakes.pulumi_provider import PACKAGES
from stacks.plan import PROJECT

_ROOT = Path(__file__).parent.parent.parent
# Where a deployment installs what the pack needs, which the program's environment cannot hold as well.
PACK = "stacks/policy"
PACK_ENVIRONMENT = _ROOT / PACK / ".venv"
_MOST_SECONDS = 240


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

    def settle(self, settings: Mapping[str, Any]) -> None:
        """Change the named ones of the stack's settings."""
        path = self.folder / f"Pulumi.{self.stack}.yaml"
        document = yaml.safe_load(path.read_text())
        document["config"][f"{PROJECT}:settings"].update(settings)
        path.write_text(yaml.safe_dump(document))

    def plant(self, line: str) -> None:
        """Add a line to the program, after everything is declared."""
        with (self.folder / "stacks" / "__main__.py").open("a") as program:
            program.write(f"{line}\n")

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
    _add_full(folder)
    ignored = shutil.ignore_patterns("__pycache__", ".venv")
    shutil.copytree(_ROOT / "stacks", folder / "stacks", ignore=ignored)
    if PACK_ENVIRONMENT.is_dir():
        (folder / PACK / ".venv").symlink_to(PACK_ENVIRONMENT)
    # Pulumi lists the packages with pip, which the environment the tests run in need not have.
    environment = folder / ".venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    here = sysconfig.get_path("purelib")
    there = sysconfig.get_path("purelib", vars={"base": str(environment)})
    (Path(there) / "tests.pth").write_text(f"import site; site.addsitedir({here!r})\n")


def _add_full(folder: Path) -> None:
    """Add a stack that asks for every option, beside those that have files."""
    document = yaml.safe_load((folder / "Pulumi.prod.yaml").read_text())
    document["config"][f"{PROJECT}:settings"] = settings_for("full").model_dump(mode="json")
    (folder / "Pulumi.full.yaml").write_text(yaml.safe_dump(document))
