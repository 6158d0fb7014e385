"""A plan judged by what the SDK's own texts say a string may be, for what Google's descriptions leave out.

The provider enforces most of these itself, but only once it runs. Memorystore has no other list of its enums.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, get_args

from pulumi import _types

from fakes.plan_shapes import alternatives, args_of, is_component
from stacks.plan import Recorded

_PARAMETER = re.compile(r":param pulumi\.Input\[.*?\] (\w+): (.*?)(?=\n\s*:param|\Z)", re.DOTALL)
_QUOTED = re.compile(r"Possible values are: ((?:`[A-Za-z0-9_]+`(?:, )?)+)\.")
_LISTED = re.compile(r"Possible values:\n((?:\s*[A-Z0-9_]+\.?(?:\n|\Z))+)")


def documented_faults(plan: Sequence[Recorded]) -> list[str]:
    """Return one sentence per value of a plan that is none of those its argument's text lists."""
    return [
        f"{one.type} {one.name}: {fault}" for one in plan if not is_component(one) for fault in _faults(one)
    ]


def _faults(one: Recorded) -> Iterator[str]:
    kind = args_of(one.type)
    if kind is not None:
        yield from _within(one.inputs, kind)


def _within(value: Any, hint: Any) -> Iterator[str]:
    for kind in alternatives(hint):
        if isinstance(value, list) and get_args(kind):
            for inner in value:
                yield from _within(inner, get_args(kind)[-1])
        elif isinstance(value, Mapping) and isinstance(kind, type) and _types.is_input_type(kind):
            yield from _members(value, kind)


def _members(value: Mapping[str, Any], kind: type) -> Iterator[str]:
    hints, texts = _types.input_type_types(kind), documented(kind)
    for name, inner in value.items():
        if name in texts and isinstance(inner, str) and inner not in texts[name]:
            yield f"{name}: {inner!r} is none of {', '.join(sorted(texts[name]))}"
        elif name in hints:
            yield from _within(inner, hints[name])


@cache
def documented(kind: type) -> Mapping[str, frozenset[str]]:
    """Return the values a class of arguments lists in its texts, by wire name."""
    names = _types.input_type_py_to_pulumi_names(kind)
    found = {}
    for name, text in _PARAMETER.findall(inspect.getdoc(kind.__init__) or ""):  # type: ignore[misc]
        values = [value for listed in _QUOTED.findall(text) for value in re.findall(r"\w+", listed)]
        values += [value for listed in _LISTED.findall(text) for value in re.findall(r"\w+", listed)]
        if values and name in names:
            found[names[name]] = frozenset(values)
    return found
