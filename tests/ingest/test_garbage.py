"""What stood at the start of a process is left out of the garbage collector's looks."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import gc, weakref
from exposure.ingest.garbage import spare_what_stands
standing = []
spare_what_stands()
class Node: pass
node = Node()
node.itself = node
dropped = weakref.ref(node)
del node
gc.collect()
print(dropped() is None)
print(all(one is not standing for one in gc.get_objects()))
print(gc.get_threshold()[0] > 700)
"""


def test_a_process_looks_through_what_came_after_its_start_and_through_nothing_before() -> None:
    # In a process of its own: it is meant to last.
    answer = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["True"] * 3
