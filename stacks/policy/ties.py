"""Rules about what belongs together: deliveries and the grants they need, grants and whom they are to.

Sees the whole stack; single resources are judged in `resources` and `grants`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stacks.policy.resource import Declared, is_delivery

_AGENT = "@gcp-sa-pubsub.iam.gserviceaccount.com"
_ACCOUNT = "gcp:serviceaccount/account:Account"
# Google's own agents; every product has a domain of this form.
_AGENTS = re.compile(
    r"serviceAccount:service-\d+@(gcp-sa-[a-z0-9-]+|serverless-robot-prod)\.iam\.gserviceaccount\.com"
)


def deliveries_have_their_grants(stack: Sequence[Declared]) -> Iterator[tuple[Declared, str]]:
    """Refuse a delivery whose agent cannot forward dead letters, or a push whose account may call nothing.

    Without the first, a message that cannot be stored is delivered for ever and nobody hears of it.
    """
    for one in stack:
        if is_delivery(one):
            yield from ((one, missing) for missing in _missing_letters(one, stack))
            if one.at("pushConfig") is not None:
                yield from ((one, missing) for missing in _missing_calls(one, stack))


def grants_are_to_the_stacks_own(stack: Sequence[Declared]) -> Iterator[tuple[Declared, str]]:
    """Refuse grants to people, groups and accounts the stack does not declare; a person is granted by hand.

    Google's agents are told by their form. Anybody at all is `grants`' concern, and whom a workload identity
    pool lets in is its provider's.
    """
    own = {str(one.at("accountId")) for one in stack if one.type == _ACCOUNT}
    for one in stack:
        member = one.at("member")
        if not isinstance(member, str) or not member.startswith(
            ("serviceAccount:", "user:", "group:", "domain:")
        ):
            continue
        account = member.removeprefix("serviceAccount:").split("@", 1)[0]
        if not _AGENTS.fullmatch(member) and account not in own:
            yield one, f"is to {member}, whom the stack does not declare"


def _missing_letters(one: Declared, stack: Sequence[Declared]) -> Iterator[str]:
    if not _may(stack, "roles/pubsub.subscriber", "subscription", one.at("name")):
        yield "cannot forward a dead letter: the agent is no subscriber of it"
    letters = one.at("deadLetterPolicy.deadLetterTopic")
    if not _may(stack, "roles/pubsub.publisher", "topic", letters):
        yield f"cannot forward a dead letter: the agent may not publish to {_last(letters)}"


def _missing_calls(push: Declared, stack: Sequence[Declared]) -> Iterator[str]:
    account = push.at("pushConfig.oidcToken.serviceAccountEmail")
    if not _may(stack, "roles/iam.serviceAccountTokenCreator", "serviceAccountId", account):
        yield f"has no token: the agent may not make one of {account}"
    callers = {one.at("member") for one in stack if one.at("role") == "roles/run.invoker"}
    if f"serviceAccount:{account}" not in callers:
        yield f"is turned away: {account} may call no service"


def _may(stack: Sequence[Declared], role: str, key: str, target: object) -> bool:
    """Tell whether the agent has the role on what `key` of a grant names."""
    return any(
        one.at("role") == role
        and _last(one.at(key)) == _last(target)
        and str(one.at("member")).endswith(_AGENT)
        for one in stack
    )


def _last(path: object) -> str:
    """Return the name at the end of a resource's path, which may be the name alone."""
    return str(path).rsplit("/", 1)[-1]
