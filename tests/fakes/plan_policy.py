"""A recorded plan as the policy's rules see one: with Google's ids in place of the mocks'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from stacks.plan import Recorded
from stacks.policy.resource import Charter, Declared, charter_of
from stacks.policy.rules import violations

_TOPIC = "gcp:pubsub/topic:Topic"


def declared(plan: Sequence[Recorded]) -> list[Declared]:
    """Return the plan's resources; a topic's id is the path it has at Google."""
    paths = {
        f"{one.name}-id": f"projects/p/topics/{one.inputs['name']}" for one in plan if one.type == _TOPIC
    }
    return [
        Declared(type=one.type, name=one.name, props=_renamed(one.inputs, paths), is_protected=one.protect)
        for one in plan
    ]


def _renamed(value: Any, paths: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _renamed(inner, paths) for name, inner in value.items()}
    if isinstance(value, list):
        return [_renamed(inner, paths) for inner in value]
    return paths.get(value, value) if isinstance(value, str) else value


def broken(plan: Sequence[Recorded], charter: Charter) -> list[str]:
    """Return what the plan breaks of its policy."""
    return violations(declared(plan), charter)


def charter(settings: Any) -> Charter:
    """Return what a stack's checked settings allow."""
    return charter_of(settings.model_dump(mode="json"))
