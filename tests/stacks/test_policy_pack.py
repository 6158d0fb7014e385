"""The policy pack hands the engine's resources to the rules, and the rules' sentences to the engine."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml

from stacks.plan import PROJECT, settings_of
from stacks.policy.__main__ import main
from stacks.policy.rules import EVERY_RULE, name_of

TABLE = "gcp:bigquery/table:Table"
SUBSCRIPTION = "gcp:pubsub/subscription:Subscription"
PACK = "stacks/policy/PulumiPolicy.yaml"


def asked(kind: str, name: str, props: Mapping[str, Any], *, protect: bool = False) -> SimpleNamespace:
    """Return a resource as the pack's library hands it over."""
    opts = SimpleNamespace(protect=protect)
    return SimpleNamespace(resource_type=kind, name=name, urn=f"urn:{name}", props=props, opts=opts)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What the pack serves to the engine, which previews prod: its name, its level, and policies by name."""
    library: Any = ModuleType("pulumi_policy")
    pack = SimpleNamespace()

    def serve(name: str, policies: list[tuple[str, str, Any]], level: str) -> None:
        pack.name, pack.level = name, level
        pack.summaries = {policy: summary for policy, summary, _ in policies}
        pack.policies = {policy: validate for policy, _, validate in policies}

    library.ResourceValidationPolicy = library.StackValidationPolicy = lambda *policy: policy
    library.EnforcementLevel = SimpleNamespace(MANDATORY="mandatory")
    library.PolicyPack = serve
    monkeypatch.setitem(sys.modules, "pulumi_policy", library)
    settings = json.dumps(settings_of("prod").model_dump(mode="json"))
    # As the engine tells a pack of the stack it judges.
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({f"{PROJECT}:settings": settings}))
    main()
    return pack


def test_the_pack_serves_every_rule_and_lets_none_be_ignored(served: SimpleNamespace) -> None:
    assert served.policies.keys() == {name_of(rule) for rule in EVERY_RULE}
    assert served.level == "mandatory"
    assert all(summary.startswith("Refuse ") for summary in served.summaries.values())


def test_a_resource_is_judged_by_the_settings_of_the_stack_it_is_in(served: SimpleNamespace) -> None:
    said: list[str] = []
    judge = served.policies["what-holds-data-is-protected"]
    judge(asked(TABLE, "t", {"deletionProtection": True}, protect=True), said.append)
    assert said == []
    judge(asked(TABLE, "t", {"deletionProtection": True}), said.append)
    assert said == ["holds data and is not protected"]


def test_a_stack_is_judged_as_a_whole_and_the_resource_at_fault_is_named(served: SimpleNamespace) -> None:
    said: list[tuple[str, str]] = []
    letters = {"deadLetterTopic": "projects/p/topics/letters"}
    pull = asked(SUBSCRIPTION, "s", {"name": "s", "deadLetterPolicy": letters})
    judge = served.policies["deliveries-have-their-grants"]
    judge(SimpleNamespace(resources=[pull]), lambda sentence, urn: said.append((sentence, urn)))
    assert [urn for _, urn in said] == ["urn:s", "urn:s"]
    assert "may not publish to letters" in said[1][0]


def test_the_pack_has_an_environment_of_its_own(request: pytest.FixtureRequest) -> None:
    described = yaml.safe_load((request.config.rootpath / PACK).read_text())
    assert described["runtime"] == {"name": "python", "options": {"toolchain": "pip", "virtualenv": ".venv"}}
