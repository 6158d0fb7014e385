"""The canary: one small instance that publishes to every topic and sees the rows served, all day.

It is a worker pool, because nothing calls it: it keeps what it has published and not found for as long as it
runs. It may publish and call the API, and read or write nothing by itself. Who is told when it fails is
declared by `canary_alerts`.
"""

from __future__ import annotations

from collections.abc import Iterable

import pulumi
from pulumi_gcp import cloudrunv2

from stacks.command import CANARY
from stacks.config import Settings
from stacks.feed import Feed
from stacks.pool import declare_pool
from stacks.service import CloudRunService, Runtime

_NAME = "canary"
# As often as its alerts expect.
_EVERY = "60s"
# The least a worker pool takes.
_LIMITS = {"cpu": "1", "memory": "512Mi"}


class Canary(pulumi.ComponentResource):
    """The pool, and its leave to publish and to ask. `runtime` names who it is and what it runs from."""

    def __init__(
        self,
        settings: Settings,
        runtime: Runtime,
        feeds: Iterable[Feed],
        api: CloudRunService,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("exposure:canary:Canary", _NAME, None, opts)
        allowed = [feed.allow_publish(_NAME, runtime.account.member) for feed in feeds]
        calling = [] if settings.is_public else [api.allow_invoke(_NAME, runtime.account.member)]
        declare_pool(
            _NAME,
            settings,
            runtime,
            cloudrunv2.WorkerPoolTemplateContainerArgs(
                image=runtime.image,
                commands=[*CANARY, *_told(settings, api.uri)],
                resources=cloudrunv2.WorkerPoolTemplateContainerResourcesArgs(limits=_LIMITS),
            ),
            pulumi.ResourceOptions(parent=self, depends_on=[*allowed, *calling]),
        )
        self.register_outputs({})


def _told(settings: Settings, api_uri: str) -> list[str]:
    told = ["--json", "--every", _EVERY, "--project", settings.project, "--url", api_uri]
    return told if settings.is_public else [*told, "--identity-token"]
