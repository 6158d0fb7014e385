"""The subscriber: a service only Pub/Sub's push account may call, from inside Google's network.

What it may append to is granted by `warehouse`; the subscriptions that call it are made by `feed`.
"""

from __future__ import annotations

import pulumi
from pulumi_gcp import serviceaccount

from stacks.command import command
from stacks.config import Settings
from stacks.service import CloudRunService, Program, make_account, service_uri

_NAME = "ingest"


class Ingest(pulumi.ComponentResource):
    """The service and the account pushes are made as. `ready` must be in place before the first push."""

    def __init__(
        self,
        settings: Settings,
        image: pulumi.Input[str],
        agent: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("exposure:ingest:Ingest", _NAME, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.pusher = make_account("push", "Pub/Sub pushes as this account", child)
        service = CloudRunService(_NAME, settings, _program(settings, image, self.pusher.email), child)
        minting = serviceaccount.IAMMember(
            "agent-mints-push-tokens",
            serviceaccount.IAMMemberArgs(
                service_account_id=self.pusher.name,
                role="roles/iam.serviceAccountTokenCreator",
                member=agent,
            ),
            child,
        )
        self.ready = (minting, service.allow_invoke("push", self.pusher.member))
        self.member, self.uri = service.member, service.uri
        self.register_outputs({"uri": self.uri})


def _program(settings: Settings, image: pulumi.Input[str], pusher: pulumi.Input[str]) -> Program:
    return Program(
        image=image,
        command=command(_NAME),
        environment={
            "project": settings.project,
            "push_account": pusher,
            "push_audience": service_uri(_NAME, settings),
            "batch_rows": str(settings.ingest.batch_rows),
            "appends_in_flight": str(settings.ingest.appends_in_flight),
        },
        secrets={},
        sizes=settings.ingest,
        is_internal=True,
        is_public=False,
        network=None,
    )
