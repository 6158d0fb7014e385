"""One Cloud Run worker pool: programs that nothing calls. What runs in it is said by whoever declares it."""

from __future__ import annotations

import pulumi
from pulumi_gcp import cloudrunv2

from stacks.config import Settings
from stacks.service import Runtime


def declare_pool(
    name: str,
    settings: Settings,
    runtime: Runtime,
    container: cloudrunv2.WorkerPoolTemplateContainerArgs,
    opts: pulumi.ResourceOptions,
    *,
    instances: int = 1,
) -> cloudrunv2.WorkerPool:
    """Return the pool; its instances are a number, since nothing about it scales it.

    `opts` name its parent, and what beside the runtime's own must be in place before it.
    """
    after = pulumi.ResourceOptions(depends_on=[*runtime.after], ignore_changes=["client", "clientVersion"])
    return cloudrunv2.WorkerPool(
        name,
        cloudrunv2.WorkerPoolArgs(
            name=name,
            location=settings.region,
            deletion_protection=settings.protected,
            launch_stage="GA",
            scaling=cloudrunv2.WorkerPoolScalingArgs(manual_instance_count=instances),
            template=cloudrunv2.WorkerPoolTemplateArgs(
                service_account=runtime.account.email, containers=[container]
            ),
        ),
        pulumi.ResourceOptions.merge(after, opts),
    )
