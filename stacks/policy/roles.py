"""Who may hold which role on what: the whole list, since a grant that is not in it is refused.

Says nothing of what a grant is needed for; that is `ties`' concern.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from stacks.policy.resource import UNKNOWN, Charter, Declared

ON_ACCOUNT = "gcp:serviceaccount/iAMMember:IAMMember"
ON_BUCKET = "gcp:storage/bucketIAMMember:BucketIAMMember"
ON_KEY = "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember"
ON_PROJECT = "gcp:projects/iAMMember:IAMMember"
ON_REPOSITORY = "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember"
ON_SECRET = "gcp:secretmanager/secretIamMember:SecretIamMember"  # noqa: S105 - a type's token
ON_SERVICE = "gcp:cloudrunv2/serviceIamMember:ServiceIamMember"
ON_SUBSCRIPTION = "gcp:pubsub/subscriptionIAMMember:SubscriptionIAMMember"
ON_TABLE = "gcp:bigquery/iamMember:IamMember"
ON_TOPIC = "gcp:pubsub/topicIAMMember:TopicIAMMember"

API, INGEST, PUSH, CANARY = "exposure-api", "exposure-ingest", "exposure-push", "exposure-canary"
DEPLOY, PREVIEW = "exposure-deploy", "exposure-preview"
# Holders that are no account of the stack's.
AGENT, GITHUB, IMAGE_READERS, ANYBODY = "pubsub-agent", "github", "image-readers", "anybody"

ANYONE = frozenset({"allUsers", "allAuthenticatedUsers"})
INVOKER = "roles/run.invoker"

# By holder: the type of the grant, and the role; a custom role by its id.
HELD: Mapping[str, frozenset[tuple[str, str]]] = {
    API: frozenset({
        (ON_TABLE, "roles/bigquery.dataViewer"),
        (ON_PROJECT, "roles/bigquery.jobUser"),
        (ON_PROJECT, "roles/memorystore.dbConnectionUser"),
        (ON_PROJECT, "roles/telemetry.metricsWriter"),
        (ON_PROJECT, "roles/telemetry.tracesWriter"),
        (ON_SECRET, "roles/secretmanager.secretAccessor"),
    }),
    INGEST: frozenset({
        (ON_TABLE, "exposureAppender"),
        (ON_SUBSCRIPTION, "roles/pubsub.subscriber"),
        (ON_PROJECT, "roles/telemetry.metricsWriter"),
        (ON_PROJECT, "roles/telemetry.tracesWriter"),
    }),
    PUSH: frozenset({(ON_SERVICE, INVOKER)}),
    CANARY: frozenset({(ON_TOPIC, "roles/pubsub.publisher"), (ON_SERVICE, INVOKER)}),
    AGENT: frozenset({
        (ON_TABLE, "roles/bigquery.dataEditor"),
        (ON_SUBSCRIPTION, "roles/pubsub.subscriber"),
        (ON_TOPIC, "roles/pubsub.publisher"),
        (ON_ACCOUNT, "roles/iam.serviceAccountTokenCreator"),
    }),
    DEPLOY: frozenset({
        (ON_ACCOUNT, "roles/iam.serviceAccountUser"),
        (ON_BUCKET, "roles/storage.objectUser"),
        (ON_KEY, "roles/cloudkms.cryptoKeyEncrypterDecrypter"),
    }),
    PREVIEW: frozenset({
        (ON_PROJECT, "exposurePreviewer"),
        (ON_PROJECT, "roles/browser"),
        (ON_PROJECT, "roles/serviceusage.serviceUsageConsumer"),
        (ON_BUCKET, "roles/storage.objectViewer"),
        (ON_KEY, "roles/cloudkms.cryptoKeyEncrypterDecrypter"),
    }),
    GITHUB: frozenset({(ON_ACCOUNT, "roles/iam.workloadIdentityUser")}),
    IMAGE_READERS: frozenset({(ON_REPOSITORY, "roles/artifactregistry.reader")}),
    ANYBODY: frozenset({(ON_SERVICE, INVOKER)}),
}  # fmt: skip
# Of those that are held on some of their kind only: which property names it, and what it is called.
_ON_ONLY = {
    (CANARY, "roles/pubsub.publisher"): ("topic", re.compile(r".+(?<!-dead-letters)")),
    (CANARY, INVOKER): ("name", re.compile("api")),
    (API, "roles/bigquery.dataViewer"): ("tableId", re.compile(r"\w+(?<!_quarantine)(?<!_dead_letters)")),
    (AGENT, "roles/bigquery.dataEditor"): ("tableId", re.compile(r"\w+_dead_letters")),
    (AGENT, "roles/iam.serviceAccountTokenCreator"): ("serviceAccountId", re.compile(PUSH)),
    (GITHUB, "roles/iam.workloadIdentityUser"): ("serviceAccountId", re.compile(f"{DEPLOY}|{PREVIEW}")),
}
# What services hold over the project, and so what whoever deploys them may grant.
_HELD_ON_PROJECT = frozenset(
    role for holder in (API, INGEST, PUSH, CANARY) for where, role in HELD[holder] if where == ON_PROJECT
)
# All that a custom role of the stack's may let do.
PERMISSIONS: Mapping[str, frozenset[str]] = {
    "exposureAppender": frozenset({"bigquery.tables.get", "bigquery.tables.updateData"}),
    "exposurePreviewer": frozenset({"logging.logMetrics.get", "logging.logMetrics.list"}),
}

PRIMITIVE = frozenset({"roles/owner", "roles/editor", "roles/viewer"})
# Over a project these let their holder become somebody else, or say who may be what.
_ASCENDING = frozenset({
    "roles/iam.securityAdmin", "roles/iam.serviceAccountKeyAdmin", "roles/iam.serviceAccountTokenCreator",
    "roles/iam.serviceAccountUser", "roles/iam.workloadIdentityPoolAdmin", "roles/iam.workloadIdentityUser",
})  # fmt: skip
_GRANTING = "roles/resourcemanager.projectIamAdmin"
_GRANTS_ONLY = re.compile(
    r"api\.getAttribute\('iam\.googleapis\.com/modifiedGrantsByRole', \[\]\)"
    r"\.hasOnly\(\[('[^']*'(?:, '[^']*')*)\]\)"
)
_OF_A_PRODUCT = re.compile(r"roles/[a-z]+\.[A-Za-z]+")
_READING = re.compile(r"roles/[a-z]+\.(?:[a-z]\w*)?(?:[Vv]iewer|[Rr]eader|[Rr]eviewer)")
# Readers of rows, objects and logs, not of how things are set up.
_SHOWING = re.compile(r"roles/(?:logging\.|\w+\.\w*(?<!meta)(?:data|object|secret))", re.IGNORECASE)
_LOCKS = re.compile(r'resource\.name\.startsWith\("projects/_/buckets/[^/"]+/objects/\.pulumi/locks/"\)')
_JOBS = re.compile(r"principalSet://iam\.googleapis\.com/[^*]+/attribute\.[a-z_]+/[^*]+")


def holder_of(member: str, charter: Charter) -> str:
    """Return who a grant's member is, as `HELD` names holders; of a stranger the empty string.

    An account of the stack's project is called by its id, whether or not the stack declares it.
    """
    named = {charter.pubsub_agent: AGENT} | dict.fromkeys(charter.image_readers, IMAGE_READERS)
    named |= dict.fromkeys(ANYONE, ANYBODY)
    of_project = re.escape(f"@{charter.project}.iam.gserviceaccount.com")
    account = re.fullmatch(f"serviceAccount:([^@]+){of_project}", member)
    if account:
        return account[1]
    return named.get(member) or (GITHUB if _JOBS.fullmatch(member) else "")


def may_hold(holder: str, grant: Declared) -> bool:
    """Tell whether the holder may have what is granted, where it is granted and under its condition."""
    role = role_of(grant)
    if (grant.type, role) in HELD.get(holder, frozenset()):
        return _is_on_its_own(holder, role, grant)
    condition = str(grant.at("condition.expression"))
    if holder == PREVIEW and (grant.type, role) == (ON_BUCKET, "roles/storage.objectUser"):
        return bool(_LOCKS.fullmatch(condition))
    if grant.type != ON_PROJECT:
        return False
    if holder == PREVIEW:
        return bool(_READING.fullmatch(role)) and not _SHOWING.match(role)
    return holder == DEPLOY and _may_deploy_with(role, condition)


def role_of(grant: Declared) -> str:
    """Return the role granted; a custom one, whose path holds its project, by its id alone."""
    role = str(grant.at("role"))
    return role.rsplit("/", 1)[-1] if role.startswith("projects/") else role


def _is_on_its_own(holder: str, role: str, grant: Declared) -> bool:
    """Tell whether what a grant is on is, as far as it is known, one that the holder has the role on."""
    name, called = _ON_ONLY.get((holder, role), ("", re.compile("")))
    path = grant.at(name) if name else UNKNOWN
    # The last part of a path; an account's is an address.
    return path is UNKNOWN or bool(called.fullmatch(str(path).rsplit("/", 1)[-1].split("@")[0]))


def _may_deploy_with(role: str, condition: str) -> bool:
    """Tell whether what deploys may have a role over the project: any product's, but none to rise by."""
    if role == _GRANTING:
        granted = _GRANTS_ONLY.fullmatch(condition)
        held = {f"'{name}'" for name in _HELD_ON_PROJECT}
        return granted is not None and set(granted[1].split(", ")) <= held
    return bool(_OF_A_PRODUCT.fullmatch(role)) and role not in _ASCENDING
