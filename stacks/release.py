"""Which revision of a service answers: the newest, or, while a release is on trial, the one before as well.

A release goes in stages, each an `up` that the deploy job asks for by the key `release`: on trial the newest
revision of the API has its declared share, and an address of its own to be tried at; then the newest has
everything again, which is what a stack without that key says; or everything goes back to what answered
before. Ingest is never shared: nobody can aim a message at one of two revisions, and Pub/Sub would deliver
what the newer one fails to the other, so the trial would not see it. It only goes back.

What a revision runs is not decided here.
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_gcp import cloudrunv2

from stacks.config import Settings

# The newest revision's own address while it is on trial begins with it.
TAG = "candidate"
_SHARED = ("api",)
_NEWEST, _NAMED = "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"


def traffic_of(name: str, settings: Settings) -> list[cloudrunv2.ServiceTrafficArgs]:
    """Return who answers a service's requests, in shares of 100 %.

    Stated even where there is no choice: what is not stated stays as the stage before left it.
    """
    before = _before(name, settings)
    if before is None or settings.release is None:
        return [_newest(100)]
    if settings.release.stage == "back":
        return [_named(before, 100)]
    share = settings.new_revision_share
    if share is None or name not in _SHARED:
        return [_newest(100)]
    return [_named(before, 100 - share), _newest(share, TAG)]


def revisions(
    services: Mapping[str, cloudrunv2.Service], settings: Settings
) -> pulumi.Output[dict[str, str]]:
    """Return what a release goes back to: the revision of each service that answered before it."""
    known = {name: _before(name, settings) for name in services}
    return pulumi.Output.all(
        **{name: known[name] or service.latest_ready_revision for name, service in services.items()}
    ).apply(lambda names: {name: short_name(said) for name, said in names.items() if said})


def short_name(revision: str) -> str:
    """Return a revision's name as traffic names it: what Google says of it is a whole path."""
    return revision.rpartition("/")[2]


def trial_uri(uri: str) -> str:
    """Return the address at which the newest revision of a service is tried.

    Format: https://cloud.google.com/run/docs/rollouts-rollbacks-traffic-migration#tags
    """
    return uri.replace("https://", f"https://{TAG}---", 1)


def _before(name: str, settings: Settings) -> str | None:
    return None if settings.release is None else settings.release.revisions.get(name)


def _newest(percent: int, tag: str | None = None) -> cloudrunv2.ServiceTrafficArgs:
    return cloudrunv2.ServiceTrafficArgs(type=_NEWEST, percent=percent, tag=tag)


def _named(revision: str, percent: int) -> cloudrunv2.ServiceTrafficArgs:
    return cloudrunv2.ServiceTrafficArgs(type=_NAMED, revision=revision, percent=percent)
