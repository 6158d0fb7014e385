"""The rules as a CrossGuard policy pack: `pulumi preview --policy-pack stacks/policy`.

The engine starts this in an environment of its own (`requirements.txt` beside it), since the pack's library
and the program's want different versions of protobuf. It judges by the previewed stack's own settings.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

# The engine starts this with its own folder as the working directory and the path.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from stacks.policy.preview import Previewed, foresee, known
from stacks.policy.resource import Charter, Declared, charter_of
from stacks.policy.rules import RULES, STACK_RULES, Rule, StackRule, name_of, summary_of

_PROGRAM = "data-exposure-platform"

Report = Callable[..., None]


@dataclass(frozen=True)
class Reader:
    """Reads what the pack's library hands over; `unknown` is what the library raises of an unknown value."""

    unknown: type[Exception]

    def on_resource(self, rule: Rule) -> Callable[[Any, Report], None]:
        """Return the rule as the pack's library calls it."""

        def validate(args: Any, report: Report) -> None:
            for sentence in rule(self._declared(args), _charter()):
                report(sentence)

        return validate

    def on_stack(self, rule: StackRule) -> Callable[[Any, Report], None]:
        """Return the rule over a whole stack as the pack's library calls it."""

        def validate(args: Any, report: Report) -> None:
            charter = _charter()
            urns = {(one.resource_type, one.name): one.urn for one in args.resources}
            stack = [foresee(self._previewed(one), charter) for one in args.resources]
            for one, sentence in rule(stack, charter):
                report(sentence, urns[one.type, one.name])

        return validate

    def _previewed(self, one: Any) -> Previewed:
        computed_of = {
            name: [self._declared(source) for source in sources]
            for name, sources in one.property_dependencies.items()
        }
        return Previewed(self._declared(one), computed_of)

    def _declared(self, one: Any) -> Declared:
        props = known(one.props, self.unknown)
        return Declared(type=one.resource_type, name=one.name, props=props, is_protected=one.opts.protect)


def _charter() -> Charter:
    return charter_of(pulumi.Config(_PROGRAM).require_object("settings"))


def main() -> None:
    """Serve the rules to the engine until it stops this process."""
    import pulumi_policy  # type: ignore[import-not-found]  # noqa: PLC0415 - only the pack's environment has it
    from pulumi_policy.proxy import UnknownValueError  # type: ignore[import-not-found]  # noqa: PLC0415

    reader = Reader(UnknownValueError)
    alone = [
        pulumi_policy.ResourceValidationPolicy(name_of(rule), summary_of(rule), reader.on_resource(rule))
        for rule in RULES
    ]
    together = [
        pulumi_policy.StackValidationPolicy(name_of(rule), summary_of(rule), reader.on_stack(rule))
        for rule in STACK_RULES
    ]
    mandatory = pulumi_policy.EnforcementLevel.MANDATORY
    # The constructor serves and does not return.
    pulumi_policy.PolicyPack("data-exposure", [*alone, *together], mandatory)


if __name__ == "__main__":
    main()
