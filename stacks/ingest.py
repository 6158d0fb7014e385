"""The subscriber: a service only Pub/Sub's push account may call, from inside Google's network.

What it may append to is granted by `warehouse`; the subscriptions that call it are made by `feed`.
"""

from __future__ import annotations

import pulumi
from pulumi_gcp import serviceaccount

from stacks.command import command
from stacks.config import Settings
from stacks.feed import Push
from stacks.service import CloudRunService, Program, Runtime, make_account, service_uri
from stacks.telemetry import told_of_telemetry

_NAME = "ingest"


class Ingest(pulumi.ComponentResource):
    """The service, and how it is pushed to."""

    def __init__(
        self,
        settings: Settings,
        runtime: Runtime,
        agent: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("exposure:ingest:Ingest", _NAME, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        pusher = make_account("push", "Pub/Sub pushes as this account", child)
        service = CloudRunService(_NAME, settings, _program(settings, runtime, pusher.email), child)
        minting = serviceaccount.IAMMember(
            "agent-mints-push-tokens",
            serviceaccount.IAMMemberArgs(
                service_account_id=pusher.name,
                role="roles/iam.serviceAccountTokenCreator",
                member=agent,
            ),
            child,
        )
        ready = (minting, service.allow_invoke("push", pusher.member))
        self.service = service.service
        self.push = Push(uri=service.uri, account=pusher, ready=ready)
        self.register_outputs({"uri": service.uri})


def _program(settings: Settings, runtime: Runtime, pusher: pulumi.Input[str]) -> Program:
    return Program(
        runtime=runtime,
        command=command(_NAME),
        environment={
            "project": settings.project,
            "push_account": pusher,
            "push_audience": service_uri(_NAME, settings),
            "batch_rows": str(settings.ingest.batch_rows),
            "appends_in_flight": str(settings.ingest.appends_in_flight),
            **told_of_telemetry(settings, works_between_requests=False),
        },
        secrets={},
        files={},
        sizes=settings.ingest,
        is_internal=True,
        is_public=False,
        network=None,
    )
