"""Plans with one fault planted in them, to see it refused; the plan itself is left as it was."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

from stacks.plan import Recorded

GONE = object()


def recorded(kind: str, name: str, inputs: Mapping[str, Any], *, protect: bool = False) -> Recorded:
    """Return one resource as a plan records it, alone in the world."""
    return Recorded(
        type=kind, name=name, inputs=inputs, urn=f"{kind}::{name}", parent="", protect=protect, depends_on=()
    )


def changed(one: Recorded, path: str, value: Any) -> Recorded:
    """Return the resource with the value at a dotted path set, or removed where it is `GONE`.

    Numbers are indexes of lists; what a path's `!` follows is JSON text, and the path goes on inside it.
    """
    inputs = copy.deepcopy(dict(one.inputs))
    if "!." in path:
        outer, inner = path.split("!.", 1)
        document = json.loads(inputs[outer])
        _set(document, inner.split("."), value)
        inputs[outer] = json.dumps(document)
    else:
        _set(inputs, path.split("."), value)
    return dataclasses.replace(one, inputs=inputs)


def planted(plan: Sequence[Recorded], kind: str, name: str, path: str, value: Any) -> list[Recorded]:
    """Return the plan with one resource changed, as `changed` does it."""
    assert any((one.type, one.name) == (kind, name) for one in plan), f"no {kind} {name}"
    return [changed(one, path, value) if (one.type, one.name) == (kind, name) else one for one in plan]


def _set(value: Any, path: list[str], new: Any) -> None:
    first, *rest = path
    key: Any = int(first) if isinstance(value, list) else first
    if rest:
        _set(value[key], rest, new)
    elif new is GONE:
        del value[key]
    else:
        value[key] = new
