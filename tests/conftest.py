"""What must be so before any test module is imported."""

from __future__ import annotations

import sys

from google.rpc import status_pb2  # type: ignore[import-untyped]

# Pulumi's SDK brings a copy of this protocol under another file name, and one process takes only one of them.
sys.modules["pulumi.runtime.proto.status_pb2"] = status_pb2
