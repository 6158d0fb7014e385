"""The read API: a service with the key of its page tokens, open to anyone or to whom it is granted.

What it may read is granted by `warehouse`.
"""

from __future__ import annotations

from dataclasses import replace

import pulumi
from pulumi_gcp import projects

from exposure.contracts.catalog import CATALOG
from stacks.cache import Cache
from stacks.command import command
from stacks.config import QuerySettings, Settings
from stacks.replicas import replica_bytes
from stacks.service import CloudRunService, Program, Runtime, service_uri
from stacks.telemetry import told_of_telemetry

_NAME = "api"
# Their values are nobody's business here: `bootstrap.sh` makes the first, a person the other.
_SECRET, _READER_KEYS = "page-token-keys", "reader-keys"


def declare_api(
    settings: Settings, runtime: Runtime, cache: Cache | None, opts: pulumi.ResourceOptions
) -> CloudRunService:
    """Return the service, allowed to run queries, to reach its cache and nothing else."""
    running = projects.IAMMember(
        "api-runs-queries",
        projects.IAMMemberArgs(
            project=settings.project, role="roles/bigquery.jobUser", member=runtime.account.member
        ),
        opts,
    )
    if cache is not None:
        cache.allow_connect(_NAME, runtime.account.member)
    ready = replace(runtime, after=[*runtime.after, running])
    return CloudRunService(_NAME, settings, _program(settings, ready, cache), opts)


def _program(settings: Settings, runtime: Runtime, cache: Cache | None) -> Program:
    query, kept = settings.query, settings.kept_answers
    replicas = replica_bytes(settings.api.memory, CATALOG, kept.bytes)
    return Program(
        runtime=runtime,
        command=command(_NAME),
        environment={
            "project": settings.project,
            "location": settings.dataset_location,
            "query_deadline": f"PT{query.deadline_seconds}S",
            "max_bytes_billed": str(query.max_bytes_billed),
            "query_threads": str(query.threads),
            "queries_per_second": str(query.per_second),
            **_budget(query),
            **kept.environment,
            **_tokens(settings),
            **told_of_telemetry(settings, works_between_requests=replicas is not None),
            **({} if cache is None else _shared(cache)),
            **({} if replicas is None else {"replica_bytes": str(replicas)}),
        },
        secrets={"page_token_keys": (_SECRET, settings.page_token_keys_version)},
        files=_keys(settings),
        sizes=settings.api,
        is_internal=False,
        is_public=settings.is_public,
        network=None if cache is None else cache.network,
        works_between_requests=replicas is not None,
    )


def _budget(query: QuerySettings) -> dict[str, str]:
    most = query.caller_daily_bytes
    return {} if most is None else {"caller_daily_bytes": str(most)}


def _keys(settings: Settings) -> dict[str, tuple[str, str]]:
    version = settings.reader_keys_version
    return {} if version is None else {"keys_file": (_READER_KEYS, version)}


def _tokens(settings: Settings) -> dict[str, str]:
    """Return whom tokens must be meant for: the service, unless Cloud Run has judged them already.

    It takes the signature off the tokens it checks itself, so they cannot be verified again.
    """
    return {"token_audience": service_uri(_NAME, settings)} if settings.is_public else {}


def _shared(cache: Cache) -> dict[str, pulumi.Input[str]]:
    return {
        "redis_url": pulumi.Output.concat("rediss://", cache.address, ":6379"),
        "redis_iam": "true",
        "redis_authority": cache.authority,
    }
