"""Ingest as a worker pool: it pulls, so nothing calls it and it has no address.

What it may append to is granted by `warehouse`, what it may pull by `feed`.
"""

from __future__ import annotations

import pulumi
from pulumi_gcp import cloudrunv2

from stacks.command import PULL
from stacks.config import Settings, WorkerSettings
from stacks.service import make_account, variable

_NAME = "ingest"


class Worker(pulumi.ComponentResource):
    """The pool and the account it runs as. Its instances are a number, since nothing about it scales it."""

    def __init__(
        self,
        settings: Settings,
        worker: WorkerSettings,
        image: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("exposure:worker:Worker", f"{_NAME}-worker", None, opts)
        child = pulumi.ResourceOptions(parent=self, ignore_changes=["client", "clientVersion"])
        account = make_account(_NAME, "Runs ingest", pulumi.ResourceOptions(parent=self))
        self.member = account.member
        self.push = None
        cloudrunv2.WorkerPool(
            _NAME,
            cloudrunv2.WorkerPoolArgs(
                name=_NAME,
                location=settings.region,
                deletion_protection=settings.protected,
                launch_stage="GA",
                scaling=cloudrunv2.WorkerPoolScalingArgs(manual_instance_count=worker.instances),
                template=cloudrunv2.WorkerPoolTemplateArgs(
                    service_account=account.email, containers=[_container(settings, worker, image)]
                ),
            ),
            child,
        )
        self.register_outputs({})


def _container(
    settings: Settings, worker: WorkerSettings, image: pulumi.Input[str]
) -> cloudrunv2.WorkerPoolTemplateContainerArgs:
    told = {
        "project": settings.project,
        "batch_rows": str(worker.batch_rows),
        "appends_in_flight": str(worker.appends_in_flight),
        "held_messages": str(worker.held_messages),
    }
    return cloudrunv2.WorkerPoolTemplateContainerArgs(
        image=image,
        commands=list(PULL),
        resources=cloudrunv2.WorkerPoolTemplateContainerResourcesArgs(
            limits={"cpu": worker.cpu, "memory": worker.memory}
        ),
        envs=[
            cloudrunv2.WorkerPoolTemplateContainerEnvArgs(name=variable(field), value=value)
            for field, value in told.items()
        ],
    )
