"""Every rule by the name it is reported under; the tests and the policy pack both read this list.

A rule about one resource is a function of it and the charter that yields sentences; its docstring's first
line says what it refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from stacks.policy import grants, resources, ties
from stacks.policy.resource import Charter, Declared

Rule = Callable[[Declared, Charter], Iterator[str]]
StackRule = Callable[[Sequence[Declared], Charter], Iterator[tuple[Declared, str]]]

RULES: tuple[Rule, ...] = (
    grants.nobody_unknown_is_granted_anything,
    grants.only_a_public_api_skips_the_invoker_check,
    grants.no_role_is_broad,
    grants.grants_add_and_never_replace,
    grants.nothing_holds_a_key,
    grants.custom_roles_allow_what_is_listed,
    grants.outsiders_are_told_by_number,
    resources.images_are_named_by_digest,
    resources.what_holds_data_is_protected,
    resources.subscriptions_outlast_silence,
    resources.deliveries_wait_and_are_buried,
    resources.the_subscriber_is_internal,
    resources.everything_runs_as_its_own_account,
    resources.secrets_are_referred_to,
    resources.regions_are_the_stacks_own,
    resources.messages_stay_in_the_stacks_regions,
    resources.the_provider_labels_everything,
)
STACK_RULES: tuple[StackRule, ...] = (
    ties.deliveries_have_their_grants,
    ties.grants_are_to_the_stacks_own,
    ties.foreseen_grants_are_their_holders,
    ties.an_internal_service_has_one_caller,
)
EVERY_RULE: tuple[Rule | StackRule, ...] = (*RULES, *STACK_RULES)


def name_of(rule: Rule | StackRule) -> str:
    """Return the name a rule is reported and configured under."""
    return rule.__name__.replace("_", "-")


def summary_of(rule: Rule | StackRule) -> str:
    """Return what a rule refuses, in one sentence."""
    return (rule.__doc__ or "").split("\n", 1)[0]


def violations(stack: Sequence[Declared], charter: Charter) -> list[str]:
    """Return one sentence per rule a stack breaks, each with the rule's name and the resource's."""
    alone = [(name_of(rule), one, said) for one in stack for rule in RULES for said in rule(one, charter)]
    together = [(name_of(rule), one, said) for rule in STACK_RULES for one, said in rule(stack, charter)]
    return [f"{name}: {one.type} {one.name} {said}" for name, one, said in (*alone, *together)]
