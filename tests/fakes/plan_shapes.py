"""A plan judged by the installed SDK's own signatures, which its mocks never look at.

Unknown keys, missing required keys at any depth, and values of the wrong type, under their wire names. What
a string may say is `plan_discovery`'s concern. Reads `pulumi._types`, which is private: the SDK is pinned.
"""

from __future__ import annotations

import enum
import inspect
import json
from collections.abc import Awaitable, Mapping, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Union, get_args, get_origin

import pulumi
import pulumi_docker_build  # noqa: F401 - importing registers its resources
import pulumi_gcp  # noqa: F401 - importing registers its resources
from pulumi import _types
from pulumi.runtime import rpc

from stacks.plan import Recorded

_PROVIDER = "pulumi:providers:"
_COMPONENT = "exposure:"


def is_component(one: Recorded) -> bool:
    """Whether the resource exists in the program alone and not in a cloud."""
    return one.type.startswith(_COMPONENT)


def shape_faults(plan: Sequence[Recorded]) -> list[str]:
    """Return one sentence per departure of a plan from the SDK's signatures."""
    return [
        f"{one.type} {one.name}: {fault}" for one in plan if not is_component(one) for fault in _faults(one)
    ]


def _faults(one: Recorded) -> list[str]:
    kind = args_of(one.type)
    if kind is None:
        return ["is no resource of the installed SDKs"]
    inputs = one.inputs
    if one.type.startswith(_PROVIDER):
        # The SDK sends a provider's settings as strings of JSON.
        inputs = {name: _decoded(value) for name, value in inputs.items()}
    return _object(inputs, kind, "")


def _decoded(value: Any) -> Any:
    try:
        return json.loads(value)
    except (TypeError, ValueError):
        return value


@cache
def args_of(token: str) -> type | None:
    """Return the class of a resource type's arguments, None where the SDKs register no such type."""
    if token.startswith(_PROVIDER):
        package = token.removeprefix(_PROVIDER).replace("-", "_")
        return getattr(import_module(f"pulumi_{package}"), "ProviderArgs", None)
    package, module, _ = token.split(":")
    registered: Any = rpc.get_resource_module(package, module, "")
    if registered is None or token not in registered.mod_info["classes"]:
        return None
    name = registered.mod_info["classes"][token]
    return getattr(import_module(registered.mod_info["fqn"]), f"{name}Args", None)


@cache
def _signature(kind: type) -> tuple[Mapping[str, Any], frozenset[str]]:
    """Return the wire names of a class of arguments with their types, and which of them are required."""
    names = _types.input_type_py_to_pulumi_names(kind)
    parameters = inspect.signature(kind.__init__).parameters  # type: ignore[misc]
    required = {
        names[name]
        for name, one in parameters.items()
        if name in names and one.default is inspect.Parameter.empty
    }
    return _types.input_type_types(kind), frozenset(required)


def _object(value: Any, kind: type, path: str) -> list[str]:
    if not isinstance(value, Mapping):
        return [f"{path}: {value!r} is no {kind.__name__}"]
    hints, required = _signature(kind)
    faults = [f"{_join(path, name)} is missing" for name in sorted(required - value.keys())]
    for name, inner in value.items():
        if name not in hints:
            faults.append(f"{_join(path, name)} is unknown to {kind.__name__}")
        elif inner is not None:
            faults += _value(inner, hints[name], _join(path, name))
    return faults


def _value(value: Any, hint: Any, path: str) -> list[str]:
    """Return no fault where one of the types the hint allows fits, else what the nearest one says."""
    answers = [_alternative(value, one, path) for one in alternatives(hint)]
    return min(answers, key=len) if answers else []


def _alternative(value: Any, kind: Any, path: str) -> list[str]:
    origin = get_origin(kind)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _mapping(value, get_args(kind)[1], path)
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return _sequence(value, get_args(kind)[0], path)
    if kind is Any:
        return []
    if _types.is_input_type(kind):
        return _object(value, kind, path)
    return [] if _is_scalar(value, kind) else [f"{path}: {value!r} is no {kind.__name__}"]


def _mapping(value: Any, hint: Any, path: str) -> list[str]:
    if not isinstance(value, Mapping):
        return [f"{path}: {value!r} is no mapping"]
    return [fault for name, inner in value.items() for fault in _value(inner, hint, _join(path, name))]


def _sequence(value: Any, hint: Any, path: str) -> list[str]:
    if not isinstance(value, list):
        return [f"{path}: {value!r} is no list"]
    return [fault for at, inner in enumerate(value) for fault in _value(inner, hint, f"{path}[{at}]")]


def _is_scalar(value: Any, kind: type) -> bool:
    if issubclass(kind, enum.Enum):
        return value in {one.value for one in kind}
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        # Every number of the engine's is a float.
        return isinstance(value, int | float) and not isinstance(value, bool) and value % 1 == 0
    return isinstance(value, kind)


def alternatives(hint: Any) -> list[Any]:
    """Return what a hint comes down to on the wire: neither absent, nor awaited, nor an Output."""
    if get_origin(hint) in {Awaitable, pulumi.Output} or hint in {None, type(None), pulumi.Output}:
        return []
    if get_origin(hint) is Union or type(hint) is type(int | str):
        return [one for part in get_args(hint) for one in alternatives(part)]
    return [hint]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
