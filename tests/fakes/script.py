"""A script that is in no package, as a module."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any


def load_script(path: Path) -> Any:
    """Return the script's module, without running it as a program."""
    name = f"script_{path.stem}"
    spec = spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    # Its dataclasses look their own module up.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
