"""The policy pack hands the engine's resources to the rules, and the rules' sentences to the engine."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest
import yaml

from fakes.policy_library import NOT_YET, Pack, handed, library
from stacks.plan import PROJECT, settings_of
from stacks.policy.__main__ import main
from stacks.policy.rules import EVERY_RULE, name_of

TABLE = "gcp:bigquery/table:Table"
SERVICE = "gcp:cloudrunv2/service:Service"
SUBSCRIPTION = "gcp:pubsub/subscription:Subscription"
TOPIC = "gcp:pubsub/topic:Topic"
ACCOUNT = "gcp:serviceaccount/account:Account"
CUSTOM = "gcp:projects/iAMCustomRole:IAMCustomRole"
IDENTITY = "gcp:projects/serviceIdentity:ServiceIdentity"
ON_PROJECT = "gcp:projects/iAMMember:IAMMember"
ON_TABLE = "gcp:bigquery/iamMember:IamMember"
ON_TOPIC = "gcp:pubsub/topicIAMMember:TopicIAMMember"
ON_SUBSCRIPTION = "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember"
PACK = "stacks/policy/PulumiPolicy.yaml"
API = handed(ACCOUNT, "api-account", {"accountId": "exposure-api", "email": NOT_YET})
APPENDER = handed(CUSTOM, "appender", {"roleId": "exposureAppender", "name": NOT_YET})
AGENT = handed(IDENTITY, "pubsub-agent", {"service": "pubsub.googleapis.com", "member": NOT_YET})
LETTERS = handed(TOPIC, "letters", {"name": "letters", "id": NOT_YET})


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Pack:
    """What the pack serves to the engine, which previews prod."""
    pack = Pack()
    for name, module in library(pack).items():
        monkeypatch.setitem(sys.modules, name, module)
    settings = json.dumps(settings_of("prod").model_dump(mode="json"))
    # As the engine tells a pack of the stack it judges.
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({f"{PROJECT}:settings": settings}))
    main()
    return pack


def judged(pack: Pack, rule: str, *resources: SimpleNamespace) -> list[tuple[str, str]]:
    """Return what a rule over the whole stack reports, each sentence with the resource it is about."""
    said: list[tuple[str, str]] = []
    pack.policies[rule](
        SimpleNamespace(resources=list(resources)), lambda sentence, urn: said.append((sentence, urn))
    )
    return said


def test_the_pack_serves_every_rule_and_lets_none_be_ignored(served: Pack) -> None:
    assert served.policies.keys() == {name_of(rule) for rule in EVERY_RULE}
    assert served.level == "mandatory"
    assert all(summary.startswith("Refuse ") for summary in served.summaries.values())


def test_a_resource_is_judged_by_the_settings_of_the_stack_it_is_in(served: Pack) -> None:
    said: list[str] = []
    judge = served.policies["what-holds-data-is-protected"]
    judge(handed(TABLE, "t", {"deletionProtection": True}, protect=True), said.append)
    assert said == []
    judge(handed(TABLE, "t", {"deletionProtection": True}), said.append)
    assert said == ["holds data and is not protected"]


def test_a_stack_is_judged_as_a_whole_and_the_resource_at_fault_is_named(served: Pack) -> None:
    letters = {"deadLetterTopic": "projects/p/topics/letters"}
    pull = handed(SUBSCRIPTION, "s", {"name": "s", "deadLetterPolicy": letters})
    said = judged(served, "deliveries-have-their-grants", pull)
    assert [urn for _, urn in said] == ["urn:s", "urn:s"]
    assert "may not publish to letters" in said[1][0]


def test_a_value_that_is_not_known_yet_keeps_no_rule_from_judging_the_rest(served: Pack) -> None:
    said: list[str] = []
    container = {"image": NOT_YET, "envs": [{"name": "X", "value": NOT_YET}, {"name": "A_KEY", "value": "k"}]}
    service = handed(SERVICE, "api", {"template": {"serviceAccount": NOT_YET, "containers": [container]}})
    grant = handed(ON_PROJECT, "g", {"role": "roles/editor", "member": NOT_YET})
    for rule in ("images-are-named-by-digest", "secrets-are-referred-to", "no-role-is-broad"):
        served.policies[rule](service, said.append)
        served.policies[rule](grant, said.append)
    assert said == ["is told A_KEY in plain text", "grants roles/editor, which is over everything"]


@pytest.mark.parametrize(
    ("role", "is_refused"),
    [("roles/bigquery.jobUser", False), ("roles/bigquery.admin", True), ("roles/pubsub.editor", True)],
)
def test_who_is_granted_a_role_is_foreseen_of_the_account_it_is_computed_of(
    role: str, is_refused: bool, served: Pack
) -> None:
    props = {"project": "data-exposure-prod", "role": role, "member": NOT_YET}
    grant = handed(ON_PROJECT, "g", props, computed_of={"member": [API]})
    said = judged(served, "foreseen-grants-are-their-holders", API, grant)
    member = "serviceAccount:exposure-api@data-exposure-prod.iam.gserviceaccount.com"
    refused = (f"grants {role} to {member}, who may not have it there", "urn:g")
    assert said == ([refused] if is_refused else [])


def test_a_custom_role_is_foreseen_by_its_id(served: Pack) -> None:
    props = {"role": NOT_YET, "member": NOT_YET}
    grant = handed(ON_TABLE, "g", props, computed_of={"role": [APPENDER], "member": [API]})
    said = judged(served, "foreseen-grants-are-their-holders", API, APPENDER, grant)
    assert [sentence.split(" to ")[0] for sentence, _ in said] == [
        "grants projects/data-exposure-prod/roles/exposureAppender"
    ]


def test_whom_the_stack_does_not_declare_is_refused_before_anything_is_known_of_the_rest(
    served: Pack,
) -> None:
    theirs = handed(ON_PROJECT, "theirs", {"role": "roles/bigquery.jobUser", "member": "user:a@example.com"})
    ours = handed(ON_PROJECT, "ours", {"role": "r", "member": NOT_YET}, computed_of={"member": [API]})
    said = judged(served, "grants-are-to-the-stacks-own", API, ours, theirs)
    assert [urn for _, urn in said] == ["urn:theirs"]


def test_what_a_delivery_lacks_is_seen_before_topics_accounts_and_agents_are_made(served: Pack) -> None:
    rule = "deliveries-have-their-grants"
    props = {"name": "s", "deadLetterPolicy": {"deadLetterTopic": NOT_YET}}
    pull = handed(SUBSCRIPTION, "s", props, computed_of={"deadLetterPolicy": [LETTERS]})

    def agents(kind: str, role: str, key: str, name: str) -> SimpleNamespace:
        told = {"role": role, key: name, "member": NOT_YET}
        return handed(kind, f"{role} on {name}", told, computed_of={"member": [AGENT]})

    subscribes = agents(ON_SUBSCRIPTION, "roles/pubsub.subscriber", "subscription", "s")
    publishes = agents(ON_TOPIC, "roles/pubsub.publisher", "topic", "letters")
    assert judged(served, rule, AGENT, LETTERS, pull, subscribes, publishes) == []
    said = judged(served, rule, AGENT, LETTERS, pull, subscribes)
    assert said == [("cannot forward a dead letter: the agent may not publish to letters", "urn:s")]


def test_the_pack_has_an_environment_of_its_own(request: pytest.FixtureRequest) -> None:
    described = yaml.safe_load((request.config.rootpath / PACK).read_text())
    assert described["runtime"] == {"name": "python", "options": {"toolchain": "pip", "virtualenv": ".venv"}}
