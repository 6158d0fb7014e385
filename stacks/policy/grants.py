"""Rules about who may do what: nobody unknown, nothing broad, nothing held by a key.

Whether a grant that is needed is there is `ties`' concern.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from stacks.policy.resource import SERVICE, Charter, Declared

_ANYONE = frozenset({"allUsers", "allAuthenticatedUsers"})
_INVOKER = "gcp:cloudrunv2/serviceIamMember:ServiceIamMember"
_PRIMITIVE = frozenset({"roles/owner", "roles/editor", "roles/viewer"})
# Over a project these let their holder become somebody else.
_BORROWING = frozenset({
    "roles/iam.serviceAccountTokenCreator", "roles/iam.serviceAccountUser", "roles/iam.workloadIdentityUser",
})  # fmt: skip
_WHOLE_PROJECT = re.compile(r"gcp:(projects|organizations|folder)/iA[Mm]")
_REPLACING = re.compile(r"I[Aa][Mm](Binding|Policy)$")
_KEYS = frozenset({
    "gcp:serviceaccount/key:Key", "gcp:storage/hmacKey:HmacKey", "gcp:projects/apiKey:ApiKey",
})  # fmt: skip


def nobody_unknown_is_granted_anything(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse `allUsers` and `allAuthenticatedUsers`, except as callers of an API that is public."""
    members = {one.at("member"), *(one.at("members") or ())}
    granted = {access.get("specialGroup") or access.get("iamMember") for access in one.at("accesses") or ()}
    for member in sorted((members | granted) & _ANYONE):
        is_caller = one.type == _INVOKER and one.at("role") == "roles/run.invoker"
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
    """Refuse primitive roles everywhere, and over a project whatever administers or borrows an identity.

    The accounts CI deploys as administer what they declare.
    """
    role = one.at("role")
    if not isinstance(role, str):
        return
    is_deployer = _account(one.at("member")) in charter.deployers
    if role in _PRIMITIVE:
        yield f"grants {role}, which is over everything"
    elif _WHOLE_PROJECT.match(one.type) and not is_deployer and (_administers(role) or role in _BORROWING):
        yield f"grants {role} over the whole project"


def grants_add_and_never_replace(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse bindings and policies: they take away what others, Google's agents among them, were granted."""
    del charter
    if _REPLACING.search(one.type):
        yield "replaces grants it does not know; use a member"


def nothing_holds_a_key(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse keys of accounts and secrets whose payload would lie in the stack's state."""
    del charter
    if one.type in _KEYS:
        yield "is a key, which can be stolen; use an identity"
    if one.type == "gcp:secretmanager/secretVersion:SecretVersion" and one.at("secretData") is not None:
        yield "puts a secret's payload into the stack's state"


def _administers(role: str) -> bool:
    return role.lower().endswith("admin")


def _account(member: object) -> str:
    """Return the id in `serviceAccount:ID@PROJECT.iam.gserviceaccount.com`, else the empty string."""
    found = re.fullmatch(r"serviceAccount:([^@]+)@.*", str(member))
    return found[1] if found else ""
