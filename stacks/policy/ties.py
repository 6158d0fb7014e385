"""Rules about what belongs together: deliveries and the grants they need, grants and whom they are to.

Sees the whole stack; single resources are judged in `resources` and `grants`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stacks.policy.grants import beyond, is_grant
from stacks.policy.resource import ACCOUNT, SERVICE, UNKNOWN, Charter, Declared, Foreseen, is_delivery
from stacks.policy.roles import AGENT, ANYBODY, GITHUB, IMAGE_READERS, INVOKER, holder_of, may_hold

# Who may be granted something without being an account the stack declares.
_OTHERS = frozenset({AGENT, ANYBODY, GITHUB, IMAGE_READERS})


def deliveries_have_their_grants(
    stack: Sequence[Declared], charter: Charter
) -> Iterator[tuple[Declared, str]]:
    """Refuse a delivery, a push or an archive that the agent may not do what it is there for.

    Without dead letters, a message that cannot be stored is delivered for ever and nobody hears of it.
    """
    granted = [one for one in stack if one.at("member") == charter.pubsub_agent]
    for one in stack:
        if is_delivery(one):
            yield from ((one, missing) for missing in _missing_letters(one, granted))
            if one.at("pushConfig") is not None:
                yield from ((one, missing) for missing in _missing_calls(one, granted, stack))
        table = one.at("bigqueryConfig.table")
        if isinstance(table, str) and not _may_write(granted, table):
            yield one, f"keeps nothing: the agent may not write to {table}"


def grants_are_to_the_stacks_own(
    stack: Sequence[Declared], charter: Charter
) -> Iterator[tuple[Declared, str]]:
    """Refuse grants to people, groups and accounts the stack does not declare; a person is granted by hand.

    Others than the stack's own accounts are few: Pub/Sub's agent, GitHub's jobs by an attribute, those the
    settings let pull images, and the public, which `grants` judges.
    """
    own = {str(one.at("accountId")) for one in stack if one.type == ACCOUNT} | _OTHERS
    for one in stack:
        member = one.at("member")
        if is_grant(one) and member is not UNKNOWN and holder_of(str(member), charter) not in own:
            yield one, f"is to {member}, whom the stack does not declare"


def foreseen_grants_are_their_holders(
    stack: Sequence[Declared], charter: Charter
) -> Iterator[tuple[Declared, str]]:
    """Refuse roles that are not listed for their member, already before the member is made."""
    for one in stack:
        member, role = one.at("member"), one.at("role")
        is_foreseen = isinstance(member, Foreseen) or isinstance(role, Foreseen)
        if is_foreseen and UNKNOWN not in (member, role) and not may_hold(holder_of(member, charter), one):
            yield one, beyond(one)


def an_internal_service_has_one_caller(
    stack: Sequence[Declared], charter: Charter
) -> Iterator[tuple[Declared, str]]:
    """Refuse a second caller of the subscriber, and a subscriber that nobody may call."""
    name = charter.internal_service
    callers = [one for one in stack if one.at("role") == INVOKER and one.at("name") == name]
    for one in stack:
        if one.type == SERVICE and one.at("name") == name and len(callers) != 1:
            yield one, f"may be called by {len(callers)} members"


def _missing_letters(one: Declared, granted: Sequence[Declared]) -> Iterator[str]:
    if not _may(granted, "roles/pubsub.subscriber", "subscription", one.at("name")):
        yield "cannot forward a dead letter: the agent is no subscriber of it"
    letters = one.at("deadLetterPolicy.deadLetterTopic")
    if not _may(granted, "roles/pubsub.publisher", "topic", letters):
        yield f"cannot forward a dead letter: the agent may not publish to {_last(letters)}"


def _missing_calls(push: Declared, granted: Sequence[Declared], stack: Sequence[Declared]) -> Iterator[str]:
    account = push.at("pushConfig.oidcToken.serviceAccountEmail")
    if not _may(granted, "roles/iam.serviceAccountTokenCreator", "serviceAccountId", account):
        yield f"has no token: the agent may not make one of {account}"
    callers = {one.at("member") for one in stack if one.at("role") == INVOKER}
    if f"serviceAccount:{account}" not in callers:
        yield f"is turned away: {account} may call no service"


def _may_write(granted: Sequence[Declared], table: str) -> bool:
    """Tell whether one of the grants is to write to the table, which is `project.dataset.table`."""
    return any(
        one.at("role") == "roles/bigquery.dataEditor"
        and table.split(".")[1:] == [_last(one.at("datasetId")), _last(one.at("tableId"))]
        for one in granted
    )


def _may(granted: Sequence[Declared], role: str, key: str, target: object) -> bool:
    """Tell whether one of the grants is of the role, on what its `key` names."""
    return any(one.at("role") == role and _last(one.at(key)) == _last(target) for one in granted)


def _last(path: object) -> str:
    """Return the name at the end of a resource's path, which may be the name alone."""
    return str(path).rsplit("/", 1)[-1]
