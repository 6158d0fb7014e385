"""Rules about who may do what: nobody unknown, nothing broad, nothing held by a key.

Whether a grant that is needed is there, and whether its member is one of the stack's, is `ties`' concern.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from stacks.policy.resource import CUSTOM_ROLE, SERVICE, UNKNOWN, Charter, Declared
from stacks.policy.roles import (
    HELD,
    INVOKER,
    ON_SERVICE,
    PERMISSIONS,
    PRIMITIVE,
    holder_of,
    may_hold,
    role_of,
)

# As a value, or quoted in a policy's JSON text.
_ANYONE = re.compile(r'(?:^|")(allUsers|allAuthenticatedUsers)(?:$|")')
# IAM's members, and the older lists of access some products have beside it.
_GRANT = re.compile(r"(?i)(?:iammember|access|accesscontrol|acl|accessrule)$")
_REPLACING = re.compile(r"I[Aa][Mm](Binding|Policy)$")
_KEYS = frozenset({
    "gcp:serviceaccount/key:Key", "gcp:storage/hmacKey:HmacKey", "gcp:projects/apiKey:ApiKey",
})  # fmt: skip
_POOL_PROVIDER = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider"
_CLAUSE = re.compile(r"assertion\.(\w+) == '([^']+)'")
# GitHub gives a number once; a name can be registered again by somebody else.
_NUMBERED = ("repository_owner_id", "repository_id")


def is_grant(one: Declared) -> bool:
    """Whether a resource lets somebody do something to another resource."""
    return one.type.startswith("gcp:") and bool(_GRANT.search(one.type))


def nobody_unknown_is_granted_anything(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse `allUsers` and `allAuthenticatedUsers` anywhere, except as callers of an API that is public."""
    for member in sorted({found[1] for text in _texts(one.props) if (found := _ANYONE.search(text))}):
        is_caller = one.type == ON_SERVICE and one.at("role") == INVOKER and one.at("member") == member
        if not (is_caller and charter.is_public and one.at("name") == charter.public_service):
            yield f"grants {one.at('role')} to {member}"


def only_a_public_api_skips_the_invoker_check(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse `invokerIamDisabled` on anything but the API, and on the API unless the stack says public."""
    if one.type == SERVICE and one.at("invokerIamDisabled"):
        if one.at("name") != charter.public_service:
            yield "answers callers nobody has granted anything"
        elif not charter.is_public:
            yield "is open to everybody although the stack's access is iam"


def no_role_is_broad(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse every role that is not listed for whom it is granted to, where it is granted.

    The role is read first: it is most often known before the member is, and then it must be listed for
    somebody. `ties` asks again once the member can be foreseen.
    """
    if not is_grant(one) or one.at("role") is UNKNOWN:
        return
    if role_of(one) in PRIMITIVE:
        yield f"grants {one.at('role')}, which is over everything"
        return
    member = one.at("member")
    holders = [holder_of(member, charter)] if isinstance(member, str) else list(HELD)
    if not any(may_hold(holder, one) for holder in holders):
        yield beyond(one)


def beyond(grant: Declared) -> str:
    """Return the sentence about a grant that its member is not listed for."""
    member = grant.at("member")
    holder = member if isinstance(member, str) else "whoever it is"
    return f"grants {grant.at('role')} to {holder}, who may not have it there"


def grants_add_and_never_replace(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse bindings, policies and lists of access: they take away what others were granted."""
    del charter
    if _REPLACING.search(one.type) or one.at("accesses"):
        yield "replaces grants it does not know; use a member"


def nothing_holds_a_key(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse keys of accounts and secrets whose payload would lie in the stack's state."""
    del charter
    if one.type in _KEYS:
        yield "is a key, which can be stolen; use an identity"
    if one.type == "gcp:secretmanager/secretVersion:SecretVersion" and one.at("secretData") is not None:
        yield "puts a secret's payload into the stack's state"


def custom_roles_allow_what_is_listed(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse custom roles that are not listed, and permissions that are not listed for them."""
    del charter
    if one.type == CUSTOM_ROLE:
        listed = PERMISSIONS.get(str(one.at("roleId")), frozenset())
        permissions = one.at("permissions")
        for permission in permissions if isinstance(permissions, Sequence) else ["what is not known"]:
            if permission not in listed:
                yield f"allows {permission}"


def outsiders_are_told_by_number(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse a workload identity provider that admits others than one repository, by its numbers."""
    del charter
    if one.type != _POOL_PROVIDER:
        return
    clauses = [_CLAUSE.fullmatch(clause) for clause in str(one.at("attributeCondition")).split(" && ")]
    told = {found[1]: found[2] for found in clauses if found is not None}
    if None in clauses or not all(told.get(name, "").isdecimal() for name in _NUMBERED):
        yield "admits whoever its issuer knows; its condition must be one repository's numbers"


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner)
