"""The read API: a service with the key of its page tokens, open to anyone or to whom it is granted.

What it may read is granted by `warehouse`.
"""

from __future__ import annotations

import pulumi
from pulumi_gcp import projects, secretmanager

from stacks.cache import Cache
from stacks.command import command
from stacks.config import Settings
from stacks.service import CloudRunService, Program

_NAME = "api"
_SECRET = "page-token-keys"  # noqa: S105 - a name


def declare_api(
    settings: Settings, image: pulumi.Input[str], cache: Cache | None, opts: pulumi.ResourceOptions
) -> CloudRunService:
    """Return the service, allowed to run queries, to read its secret, to reach its cache and nothing else."""
    secret = secretmanager.Secret(
        _SECRET,
        secretmanager.SecretArgs(
            secret_id=_SECRET,
            replication=secretmanager.SecretReplicationArgs(auto=secretmanager.SecretReplicationAutoArgs()),
        ),
        pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=settings.protected)),
    )
    service = CloudRunService(_NAME, settings, _program(settings, image, secret.secret_id, cache), opts)
    secretmanager.SecretIamMember(
        "api-reads-page-token-keys",
        secretmanager.SecretIamMemberArgs(
            secret_id=secret.secret_id, role="roles/secretmanager.secretAccessor", member=service.member
        ),
        opts,
    )
    projects.IAMMember(
        "api-runs-queries",
        projects.IAMMemberArgs(
            project=settings.project, role="roles/bigquery.jobUser", member=service.member
        ),
        opts,
    )
    if cache is not None:
        cache.allow_connect(_NAME, service.member)
    return service


def _program(
    settings: Settings, image: pulumi.Input[str], secret: pulumi.Input[str], cache: Cache | None
) -> Program:
    query = settings.query
    return Program(
        image=image,
        command=command(_NAME),
        environment={
            "project": settings.project,
            "location": settings.dataset_location,
            "query_deadline": f"PT{query.deadline_seconds}S",
            "max_bytes_billed": str(query.max_bytes_billed),
            "query_threads": str(query.threads),
        },
        secrets={"page_token_keys": (secret, settings.page_token_keys_version)},
        sizes=settings.api,
        is_internal=False,
        is_public=settings.is_public,
        network=None if cache is None else cache.network,
    )
