"""The project itself: the provider every resource uses, the enabled APIs, and Pub/Sub's own identity.

It neither creates the project nor links its billing; a person does that once.
"""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp
from pulumi_gcp import projects

from stacks.config import Settings

APIS = (
    "artifactregistry.googleapis.com",
    "bigquery.googleapis.com",
    "bigquerystorage.googleapis.com",
    "billingbudgets.googleapis.com",
    "cloudkms.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudtrace.googleapis.com",
    "compute.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "memorystore.googleapis.com",
    "monitoring.googleapis.com",
    "networkconnectivity.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "serviceconsumermanagement.googleapis.com",
    "storage.googleapis.com",
    "sts.googleapis.com",
    "telemetry.googleapis.com",
)


def make_provider(settings: Settings) -> gcp.Provider:
    """Return the provider: one project, one region, the stack's labels on whatever takes labels."""
    return gcp.Provider(
        "gcp",
        gcp.ProviderArgs(
            project=settings.project,
            region=settings.region,
            default_labels=dict(settings.labels),
            # Budgets belong to a billing account and need a project to count their calls on.
            user_project_override=True,
            billing_project=settings.project,
        ),
    )


class Project(pulumi.ComponentResource):
    """The APIs and Pub/Sub's service agent. `member` is the agent as IAM writes it."""

    def __init__(self, name: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("exposure:project:Project", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        self.apis = [
            projects.Service(
                api.split(".")[0], projects.ServiceArgs(service=api, disable_on_destroy=False), child
            )
            for api in APIS
        ]
        enabled = pulumi.ResourceOptions(parent=self, depends_on=self.apis)
        # Named here so that it exists before anything is granted to it.
        agent = projects.ServiceIdentity(
            "pubsub-agent", projects.ServiceIdentityArgs(service="pubsub.googleapis.com"), enabled
        )
        self.pubsub_agent = agent.member
        self.register_outputs({"pubsub_agent": self.pubsub_agent})
