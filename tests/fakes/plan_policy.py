"""A recorded plan as the policy's rules see one: with Google's ids in place of the mocks'."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from stacks.plan import Recorded
from stacks.policy.resource import UNKNOWN, Charter, Declared, charter_of
from stacks.policy.rules import violations

_TOPIC = "gcp:pubsub/topic:Topic"
# What only Google computes, in the mocks' words.
_COMPUTED = ("@project.iam", "projects/project/", "service-1@", "@sha256:")


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


def previewed(plan: Sequence[Recorded]) -> list[Declared]:
    """Return the plan's resources as a preview knows them that has made none of them yet."""
    return [
        Declared(type=one.type, name=one.name, props=_unmade(one.inputs), is_protected=one.protect)
        for one in plan
    ]


def _unmade(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _unmade(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_unmade(inner) for inner in value]
    if isinstance(value, str) and (value.endswith("-id") or any(part in value for part in _COMPUTED)):
        return UNKNOWN
    return value


def broken(plan: Sequence[Recorded], charter: Charter) -> list[str]:
    """Return what the plan breaks of its policy."""
    return violations(declared(plan), charter)


def charter(settings: Any) -> Charter:
    """Return what a stack's checked settings allow, in the project the mocks make accounts in."""
    allowed = charter_of(settings.model_dump(mode="json"))
    return dataclasses.replace(allowed, project="project", project_number="1")
