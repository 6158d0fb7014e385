"""The rules as a CrossGuard policy pack: `pulumi preview --policy-pack stacks/policy`.

The engine starts this in an environment of its own (`requirements.txt` beside it), since the pack's library
and the program's want different versions of protobuf. It judges by the previewed stack's own settings.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi

# The engine starts this with its own folder as the working directory and the path.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from stacks.policy.resource import Charter, Declared, charter_of
from stacks.policy.rules import RULES, STACK_RULES, Rule, StackRule, name_of, summary_of

_PROGRAM = "data-exposure-platform"

Report = Callable[..., None]


def on_resource(rule: Rule) -> Callable[[Any, Report], None]:
    """Return the rule as the pack's library calls it."""

    def validate(args: Any, report: Report) -> None:
        for sentence in rule(_declared(args), _charter()):
            report(sentence)

    return validate


def on_stack(rule: StackRule) -> Callable[[Any, Report], None]:
    """Return the rule over a whole stack as the pack's library calls it."""

    def validate(args: Any, report: Report) -> None:
        urns = {(one.resource_type, one.name): one.urn for one in args.resources}
        for one, sentence in rule([_declared(each) for each in args.resources]):
            report(sentence, urns[one.type, one.name])

    return validate


def _charter() -> Charter:
    return charter_of(pulumi.Config(_PROGRAM).require_object("settings"))


def _declared(one: Any) -> Declared:
    return Declared(type=one.resource_type, name=one.name, props=one.props, is_protected=one.opts.protect)


def main() -> None:
    """Serve the rules to the engine until it stops this process."""
    import pulumi_policy  # type: ignore[import-not-found]  # noqa: PLC0415 - only the pack's environment has it

    alone = [
        pulumi_policy.ResourceValidationPolicy(name_of(rule), summary_of(rule), on_resource(rule))
        for rule in RULES
    ]
    together = [
        pulumi_policy.StackValidationPolicy(name_of(rule), summary_of(rule), on_stack(rule))
        for rule in STACK_RULES
    ]
    mandatory = pulumi_policy.EnforcementLevel.MANDATORY
    # The constructor serves and does not return.
    pulumi_policy.PolicyPack("data-exposure", [*alone, *together], mandatory)


if __name__ == "__main__":
    main()
