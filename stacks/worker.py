"""Ingest as a worker pool: it pulls, so nothing calls it and it has no address.

What it may append to is granted by `warehouse`, what it may pull by `feed`.
"""

from __future__ import annotations

import pulumi
from pulumi_gcp import cloudrunv2

from stacks.command import PULL
from stacks.config import Settings, WorkerSettings
from stacks.pool import declare_pool
from stacks.service import Runtime, variable
from stacks.telemetry import told_of_telemetry

_NAME = "ingest"


class Worker(pulumi.ComponentResource):
    """The pool, as large as its settings say."""

    def __init__(
        self,
        settings: Settings,
        worker: WorkerSettings,
        runtime: Runtime,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("exposure:worker:Worker", f"{_NAME}-worker", None, opts)
        self.push = self.service = None
        declare_pool(
            _NAME,
            settings,
            runtime,
            _container(settings, worker, runtime.image),
            pulumi.ResourceOptions(parent=self),
            instances=worker.instances,
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
        **told_of_telemetry(settings, works_between_requests=True),
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
