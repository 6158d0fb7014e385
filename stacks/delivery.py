"""How GitHub deploys: by workload identity, as one of two accounts, and without a key or a secret anywhere.

The bucket and the key of the state are not declared here, since they hold it: `bootstrap.sh` makes them.
"""

from __future__ import annotations

import pulumi
from pulumi_gcp import iam, kms, projects, serviceaccount, storage

from stacks.config import DeliverySettings, Settings
from stacks.service import make_account

_ISSUER = "https://token.actions.githubusercontent.com"
# What each kind of resource in these stacks takes to be changed; no role over everything.
DEPLOY_ROLES = (
    "roles/artifactregistry.admin",
    "roles/bigquery.admin",
    "roles/compute.networkAdmin",
    "roles/compute.securityAdmin",
    "roles/iam.roleAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.serviceAccountUser",
    "roles/iam.workloadIdentityPoolAdmin",
    "roles/logging.configWriter",
    "roles/memorystore.admin",
    "roles/monitoring.admin",
    "roles/networkconnectivity.consumerNetworkAdmin",
    "roles/pubsub.admin",
    "roles/resourcemanager.projectIamAdmin",
    "roles/run.admin",
    "roles/secretmanager.admin",
    "roles/serviceusage.serviceUsageAdmin",
)
# What a preview looks at: how things are set up, and never a row or a secret's value.
PREVIEW_ROLES = (
    "roles/artifactregistry.reader",
    "roles/bigquery.metadataViewer",
    "roles/browser",
    "roles/compute.networkViewer",
    "roles/iam.roleViewer",
    "roles/iam.securityReviewer",
    "roles/iam.serviceAccountViewer",
    "roles/iam.workloadIdentityPoolViewer",
    "roles/logging.viewer",
    "roles/memorystore.viewer",
    "roles/monitoring.viewer",
    "roles/pubsub.viewer",
    "roles/run.viewer",
    "roles/secretmanager.viewer",
    "roles/serviceusage.serviceUsageViewer",
)


class Delivery(pulumi.ComponentResource):
    """The pool GitHub's tokens are traded in, and who may trade them for what.

    A token comes from one repository of one owner, by the numbers nobody can register again. Only a job in
    the protected environment becomes `deploy`; one in `<environment>-preview` becomes `preview`, which reads.
    """

    def __init__(
        self, name: str, settings: Settings, delivery: DeliverySettings, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("exposure:delivery:Delivery", name, None, opts)
        self._settings = settings
        self._delivery = delivery
        self._child = pulumi.ResourceOptions(parent=self)
        pool = self._pool()
        deploy = self._account("deploy", DEPLOY_ROLES, pool, delivery.environment)
        preview = self._account("preview", PREVIEW_ROLES, pool, f"{delivery.environment}-preview")
        self._allow_state("deploy", deploy.member, "roles/storage.objectUser")
        self._allow_state("preview", preview.member, "roles/storage.objectViewer")
        self._allow_locks(preview.member)
        self.register_outputs({"deploy": deploy.email, "preview": preview.email})

    def _pool(self) -> iam.WorkloadIdentityPool:
        delivery = self._delivery
        pool = iam.WorkloadIdentityPool(
            "github",
            iam.WorkloadIdentityPoolArgs(workload_identity_pool_id="github", display_name="GitHub Actions"),
            self._child,
        )
        iam.WorkloadIdentityPoolProvider(
            "github-actions",
            iam.WorkloadIdentityPoolProviderArgs(
                workload_identity_pool_id=pool.workload_identity_pool_id,
                workload_identity_pool_provider_id="github-actions",
                attribute_mapping={
                    "google.subject": "assertion.sub",
                    "attribute.environment": "assertion.environment",
                },
                # GitHub has one issuer for everybody.
                attribute_condition=(
                    f"assertion.repository_owner_id == '{delivery.owner_id}' && "
                    f"assertion.repository_id == '{delivery.repository_id}'"
                ),
                oidc=iam.WorkloadIdentityPoolProviderOidcArgs(issuer_uri=_ISSUER),
            ),
            self._child,
        )
        return pool

    def _account(
        self, name: str, roles: tuple[str, ...], pool: iam.WorkloadIdentityPool, environment: str
    ) -> serviceaccount.Account:
        account = make_account(name, f"GitHub Actions, {name}", self._child)
        serviceaccount.IAMMember(
            f"github-becomes-{name}",
            serviceaccount.IAMMemberArgs(
                service_account_id=account.name,
                role="roles/iam.workloadIdentityUser",
                member=pulumi.Output.concat(
                    "principalSet://iam.googleapis.com/", pool.name, f"/attribute.environment/{environment}"
                ),
            ),
            self._child,
        )
        for role in roles:
            projects.IAMMember(
                f"{name}-{role.removeprefix('roles/')}",
                projects.IAMMemberArgs(project=self._settings.project, role=role, member=account.member),
                self._child,
            )
        return account

    def _allow_state(self, name: str, member: pulumi.Input[str], role: str) -> None:
        storage.BucketIAMMember(
            f"{name}-state",
            storage.BucketIAMMemberArgs(bucket=self._delivery.state_bucket, role=role, member=member),
            self._child,
        )
        kms.CryptoKeyIAMMember(
            f"{name}-state-key",
            kms.CryptoKeyIAMMemberArgs(
                crypto_key_id=self._delivery.state_key,
                role="roles/cloudkms.cryptoKeyEncrypterDecrypter",
                member=member,
            ),
            self._child,
        )

    def _allow_locks(self, preview: pulumi.Input[str]) -> None:
        """Let a preview hold the lock of the stack it reads, and write nothing else."""
        locks = f"projects/_/buckets/{self._delivery.state_bucket}/objects/.pulumi/locks/"
        storage.BucketIAMMember(
            "preview-locks",
            storage.BucketIAMMemberArgs(
                bucket=self._delivery.state_bucket,
                role="roles/storage.objectUser",
                member=preview,
                condition=storage.BucketIAMMemberConditionArgs(
                    title="locks only", expression=f'resource.name.startsWith("{locks}")'
                ),
            ),
            self._child,
        )
