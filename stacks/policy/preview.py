"""What a preview knows: plain values, what it does not know marked, and of that what can be foreseen.

Most members of grants are computed of accounts that are yet to be made. Without this they would not be judged
before they are granted, since the pack's library ends a rule that touches an unknown value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from stacks.policy.resource import ACCOUNT, CUSTOM_ROLE, TOPIC, UNKNOWN, Charter, Declared, Foreseen

_IDENTITY = "gcp:projects/serviceIdentity:ServiceIdentity"


@dataclass(frozen=True)
class Previewed:
    """A resource, and for each of its properties those that the property is computed of."""

    declared: Declared
    computed_of: Mapping[str, Sequence[Declared]]


def known(value: Any, unknown: type[Exception]) -> Any:
    """Return plain values in place of the library's, whose items raise `unknown` when they are read."""
    if isinstance(value, Mapping):
        return {name: _item(value, name, unknown) for name in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_item(value, index, unknown) for index in range(len(value))]
    return value


def _item(value: Any, key: Any, unknown: type[Exception]) -> Any:
    try:
        inner = value[key]
    except unknown:
        return UNKNOWN
    return known(inner, unknown)


def foresee(one: Previewed, charter: Charter) -> Declared:
    """Return the resource with whatever is computed of one other alone as Google will compute it."""
    declared = one.declared
    props = {
        name: _foreseen(name, value, one.computed_of.get(name, ()), charter)
        for name, value in declared.props.items()
    }
    return Declared(type=declared.type, name=declared.name, props=props, is_protected=declared.is_protected)


def _foreseen(name: str, value: Any, sources: Sequence[Declared], charter: Charter) -> Any:
    if isinstance(value, Mapping):
        return {key: _foreseen(key, inner, sources, charter) for key, inner in value.items()}
    if value is not UNKNOWN or len(sources) != 1:
        return value
    computed = _computed(sources[0], charter).get(name)
    return UNKNOWN if computed is None else Foreseen(computed)


def _computed(source: Declared, charter: Charter) -> Mapping[str, str]:
    """Return what Google computes of a resource, by the properties of others that are told it."""
    of_project = f"projects/{charter.project}"
    if source.type == ACCOUNT:
        email = f"{source.at('accountId')}@{charter.project}.iam.gserviceaccount.com"
        return {
            "member": f"serviceAccount:{email}",
            "serviceAccount": email,
            "serviceAccountEmail": email,
            "serviceAccountId": f"{of_project}/serviceAccounts/{email}",
        }
    if source.type == CUSTOM_ROLE:
        return {"role": f"{of_project}/roles/{source.at('roleId')}"}
    if source.type == TOPIC:
        topic = f"{of_project}/topics/{source.at('name')}"
        return {"topic": topic, "deadLetterTopic": topic}
    if source.type == _IDENTITY and source.at("service") == "pubsub.googleapis.com":
        return {"member": charter.pubsub_agent}
    return {}
