"""The policy packs' library as far as this pack uses it: what it takes, hands over and raises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

NOT_YET = object()


class UnknownValueError(Exception):
    """What the library raises of a value that is not known during a preview."""


class Watched(Mapping[str, Any]):
    """Properties that raise when an unknown one is read, however deep."""

    def __init__(self, props: Mapping[str, Any]) -> None:
        self._props = props

    def __getitem__(self, key: str) -> Any:
        return _watched(self._props[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._props)

    def __len__(self) -> int:
        return len(self._props)


class _WatchedList(Sequence[Any]):
    def __init__(self, items: Sequence[Any]) -> None:
        self._items = items

    def __getitem__(self, index: Any) -> Any:
        return _watched(self._items[index])

    def __len__(self) -> int:
        return len(self._items)


def _watched(value: Any) -> Any:
    if value is NOT_YET:
        raise UnknownValueError
    if isinstance(value, Mapping):
        return Watched(value)
    return _WatchedList(value) if isinstance(value, list) else value


@dataclass
class Pack:
    """What was served: the pack's name and level, and its policies' summaries and rules by their names."""

    name: str = ""
    level: str = ""
    summaries: dict[str, str] = field(default_factory=dict)
    policies: dict[str, Any] = field(default_factory=dict)


def library(pack: Pack) -> dict[str, ModuleType]:
    """Return the library's modules by name; what they are told to serve is written into `pack`."""
    package: Any = ModuleType("pulumi_policy")
    proxy: Any = ModuleType("pulumi_policy.proxy")

    def serve(name: str, policies: list[tuple[str, str, Any]], level: str) -> None:
        pack.name, pack.level = name, level
        pack.summaries = {policy: summary for policy, summary, _ in policies}
        pack.policies = {policy: validate for policy, _, validate in policies}

    package.ResourceValidationPolicy = package.StackValidationPolicy = lambda *policy: policy
    package.EnforcementLevel = SimpleNamespace(MANDATORY="mandatory")
    package.PolicyPack = serve
    proxy.UnknownValueError = UnknownValueError
    return {"pulumi_policy": package, "pulumi_policy.proxy": proxy}


def handed(
    kind: str,
    name: str,
    props: Mapping[str, Any],
    *,
    protect: bool = False,
    computed_of: Mapping[str, Sequence[SimpleNamespace]] | None = None,
) -> SimpleNamespace:
    """Return a resource as the library hands it over; a preview does not know what is `NOT_YET`."""
    return SimpleNamespace(
        resource_type=kind,
        name=name,
        urn=f"urn:{name}",
        props=Watched(props),
        opts=SimpleNamespace(protect=protect),
        property_dependencies=computed_of or {},
    )
