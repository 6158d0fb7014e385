"""What the calls on topics and subscriptions have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from google.protobuf.field_mask_pb2 import FieldMask

from exposure.local.pubsub.refusal import invalid

Call = Callable[[Any], Awaitable[Any]]
_PAGE_NAMES = 1000


def changed_by(mask: FieldMask, fields: set[str], wanted: Any, known: Any) -> Any:
    """Return a copy of `known` with what the update_mask names of `wanted`.

    Raises the refusal of a mask that is empty or names another field than `fields` and what is in them.
    """
    if not mask.paths:
        raise invalid("The update_mask names no field.")
    for path in mask.paths:
        if path.split(".")[0] not in fields:
            raise invalid(f"The field '{path}' cannot be changed; it can be: {', '.join(sorted(fields))}.")
    if not mask.IsValidForDescriptor(known.DESCRIPTOR):
        raise invalid(f"The update_mask names a field that does not exist: {', '.join(mask.paths)}.")
    changed = type(known)()
    changed.CopyFrom(known)
    mask.MergeMessage(wanted, changed, replace_message_field=True, replace_repeated_field=True)
    return changed


@dataclass(frozen=True)
class Page:
    """Some names in order, and the token that asks for those after them; empty on the last page."""

    names: list[str]
    next_page_token: str


def page_of(names: Iterable[str], request: Any) -> Page:
    """Return the page of `names` that a list request asks for; raises the refusal of a negative size."""
    if request.page_size < 0:
        raise invalid("A page_size is not negative.")
    size = min(request.page_size or _PAGE_NAMES, _PAGE_NAMES)
    rest = sorted(name for name in names if name > request.page_token)
    page = rest[:size]
    return Page(page, page[-1] if len(rest) > size else "")


def names_of(project: str, names: Iterable[str]) -> Iterable[str]:
    """Return the names that belong to a project, `projects/ID`."""
    return (name for name in names if name.startswith(f"{project}/"))
