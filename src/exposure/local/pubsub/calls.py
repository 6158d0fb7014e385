"""What the calls on topics and subscriptions have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from exposure.local.pubsub.refusal import invalid

Call = Callable[[Any], Awaitable[Any]]


def merge(mask: Any, fields: set[str], wanted: Any, changed: Any) -> None:
    """Copy what an update_mask names from `wanted` to `changed`; raises the refusal of any other field."""
    if not mask.paths:
        raise invalid("The update_mask names no field.")
    for path in mask.paths:
        if path.split(".")[0] not in fields:
            raise invalid(f"The field '{path}' cannot be changed; it can be: {', '.join(sorted(fields))}.")
    for path in mask.paths:
        changed.ClearField(path.split(".")[0])
    mask.MergeMessage(wanted, changed)


def names_of(project: str, names: dict[str, Any]) -> list[str]:
    """Return the names that belong to a project, sorted."""
    return sorted(name for name in names if name.startswith(f"{project}/"))
