"""`pulumi up` starts here: the selected stack's settings become the whole platform."""

from __future__ import annotations

import sys
from pathlib import Path

import pulumi

# Pulumi runs this folder; the program's modules are `stacks.…`, as its tests import them.
sys.path.insert(0, str(Path(__file__).parent.parent))

from stacks.config import load
from stacks.platform import declare

platform = declare(load())
pulumi.export("api_uri", platform.api_uri)
pulumi.export("image", platform.image)
pulumi.export("revisions", platform.revisions)
