"""Rules about single resources: what runs, what is kept, where it is and what it is called.

Grants are judged in `grants`, and what belongs together in `ties`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from stacks.policy.resource import (
    PROVIDER,
    RUNNERS,
    SERVICE,
    SUBSCRIPTION,
    TOPIC,
    UNKNOWN,
    Charter,
    Declared,
    is_delivery,
    mappings,
)

_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
_WAITING = ("retryPolicy.minimumBackoff", "retryPolicy.maximumBackoff")
_BURIED = ("deadLetterPolicy.deadLetterTopic", "deadLetterPolicy.maxDeliveryAttempts")
_PUSHED = ("pushConfig.oidcToken.serviceAccountEmail", "pushConfig.oidcToken.audience")
_KEPT = frozenset({
    "gcp:bigquery/dataset:Dataset", "gcp:bigquery/table:Table", "gcp:secretmanager/secret:Secret",
})  # fmt: skip
# Google's own guards, beside the engine's.
_GUARDS = {
    "gcp:bigquery/table:Table": "deletionProtection",
    "gcp:cloudrunv2/service:Service": "deletionProtection",
    "gcp:cloudrunv2/workerPool:WorkerPool": "deletionProtection",
    "gcp:memorystore/instance:Instance": "deletionProtectionEnabled",
}
_DERIVED = ("view", "materializedView")
_SECRET_NAME = re.compile(r"(KEY|KEYS|TOKEN|SECRET|PASSWORD|CREDENTIALS)$")
_DEFAULT_ACCOUNT = "-compute@developer.gserviceaccount.com"


def images_are_named_by_digest(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse tags, which somebody can move to another image without a deployment."""
    del charter
    if one.type in RUNNERS:
        for container in one.containers():
            image = container.get("image")
            if image is not UNKNOWN and not _DIGEST.search(str(image)):
                yield f"runs {image}, which is named by a tag"


def what_holds_data_is_protected(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse unguarded tables, datasets, secrets and services where the stack says protected."""
    if not charter.is_protected or any(one.at(name) for name in _DERIVED):
        return
    if one.type in _KEPT and not one.is_protected:
        yield "holds data and is not protected"
    if one.type in _GUARDS and one.at(_GUARDS[one.type]) is not True:
        yield f"has no {_GUARDS[one.type]}"
    if one.type == "gcp:bigquery/dataset:Dataset" and one.at("deleteContentsOnDestroy"):
        yield "would take its tables with it"


def subscriptions_outlast_silence(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse subscriptions that disappear when nothing is published for a month."""
    del charter
    if one.type == SUBSCRIPTION and one.at("expirationPolicy.ttl") != "":
        yield "expires when it is idle"


def deliveries_wait_and_are_buried(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse subscriptions without waits between attempts or dead letters, and pushes without an identity.

    An archive of dead letters has none of its own; it tries for as long as it keeps them.
    """
    del charter
    if one.type == SUBSCRIPTION:
        buried = _BURIED if is_delivery(one) else ()
        pushed = () if one.at("pushConfig") is None else _PUSHED
        yield from (f"has no {path}" for path in (*_WAITING, *buried, *pushed) if not one.at(path))


def the_subscriber_is_internal(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse a subscriber that the internet reaches."""
    is_subscriber = one.type == SERVICE and one.at("name") == charter.internal_service
    if is_subscriber and one.at("ingress") != "INGRESS_TRAFFIC_INTERNAL_ONLY":
        yield f"takes {one.at('ingress')}"


def everything_runs_as_its_own_account(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse the project's default account, which may edit the project."""
    del charter
    if one.type in RUNNERS:
        account = one.at("template.serviceAccount") or one.at("template.template.serviceAccount")
        if not account or str(account).endswith(_DEFAULT_ACCOUNT):
            yield "runs as the project's default account"


def secrets_are_referred_to(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse secrets in plain variables, and versions that change under a running revision."""
    del charter
    if one.type not in RUNNERS:
        return
    for container in one.containers():
        for variable in mappings(container.get("envs")):
            yield from _variable(variable)


def _variable(variable: Mapping[str, Any]) -> Iterator[str]:
    name = str(variable.get("name"))
    source = variable.get("valueSource")
    if source is None and _SECRET_NAME.search(name):
        yield f"is told {name} in plain text"
    if isinstance(source, Mapping) and source.get("secretKeyRef", {}).get("version") in {None, "latest"}:
        yield f"reads no particular version of {name}"


def regions_are_the_stacks_own(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse locations the stack's settings do not name."""
    for name in ("region", "location"):
        place = one.at(name)
        if isinstance(place, str) and place not in charter.regions:
            yield f"is in {place}, outside {', '.join(sorted(charter.regions))}"


def messages_stay_in_the_stacks_regions(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse topics that keep messages wherever they are published, or in regions the stack does not name."""
    if one.type == TOPIC:
        regions = one.at("messageStoragePolicy.allowedPersistenceRegions")
        if not isinstance(regions, Sequence) or not regions or not charter.regions.issuperset(regions):
            yield f"keeps messages in {regions or 'whichever region they come from'}"


def the_provider_labels_everything(one: Declared, charter: Charter) -> Iterator[str]:
    """Refuse a provider that leaves out a label of the stack's: it labels whatever takes labels."""
    if one.type == PROVIDER:
        labels = one.at("defaultLabels") or {}
        # A provider's settings travel as JSON text.
        given = json.loads(labels) if isinstance(labels, str) else labels
        for missing in sorted(charter.labels - set(given)):
            yield f"labels nothing with {missing}"
