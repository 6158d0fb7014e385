"""How GitHub deploys: by workload identity, as one of two accounts, and without a key or a secret anywhere.

The bucket and the key of the state are not declared here, since they hold it: `bootstrap.sh` makes them.
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_gcp import iam, kms, projects, serviceaccount, storage

from stacks.config import DeliverySettings, Settings
from stacks.service import make_account

_ISSUER = "https://token.actions.githubusercontent.com"
# What each kind of resource in these stacks takes to be changed. Whoever may make accounts can help itself to
# more, so it is who may become this account that protects the project; the pool that decides it, the grants
# of this file and the budget are a person's to change.
DEPLOY_ROLES = (
    "roles/artifactregistry.admin",
    "roles/bigquery.admin",
    "roles/compute.networkAdmin",
    "roles/compute.securityAdmin",
    "roles/iam.roleAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.securityReviewer",
    "roles/logging.configWriter",
    "roles/memorystore.admin",
    "roles/monitoring.admin",
    "roles/networkconnectivity.consumerNetworkAdmin",
    "roles/pubsub.admin",
    "roles/run.admin",
    "roles/secretmanager.admin",
    "roles/serviceusage.serviceUsageAdmin",
)
# What a preview looks at: how things are set up, and never a row or a secret's value.
PREVIEW_ROLES = (
    "roles/artifactregistry.reader",
    "roles/bigquery.metadataViewer",
    "roles/bigquery.resourceViewer",
    "roles/browser",
    "roles/compute.networkViewer",
    "roles/iam.roleViewer",
    "roles/iam.securityReviewer",
    "roles/iam.serviceAccountViewer",
    "roles/iam.workloadIdentityPoolViewer",
    "roles/memorystore.viewer",
    "roles/monitoring.viewer",
    "roles/pubsub.viewer",
    "roles/run.viewer",
    "roles/secretmanager.viewer",
    "roles/serviceusage.serviceUsageConsumer",
)
# The only roles over the project that the stacks grant, and so the only ones `deploy` may grant.
GRANTED_ROLES = (
    "roles/bigquery.jobUser",
    "roles/memorystore.dbConnectionUser",
    "roles/telemetry.metricsWriter",
    "roles/telemetry.tracesWriter",
)
# The log's own role for reading would show the requests' addresses, and so what was asked for.
_PREVIEWER = ("logging.logMetrics.get", "logging.logMetrics.list")


class Delivery(pulumi.ComponentResource):
    """The pool GitHub's tokens are traded in, and who may trade them for what.

    A token comes from one repository of one owner, by the numbers nobody can register again. Only a job of
    the environment's own branch, in the protected environment, becomes `deploy`; one in
    `<environment>-preview` becomes `preview`, which reads. `runs_as` are the accounts services run as, which
    whoever deploys them must be allowed to use.
    """

    def __init__(
        self,
        settings: Settings,
        delivery: DeliverySettings,
        runs_as: Mapping[str, serviceaccount.Account],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("exposure:delivery:Delivery", "delivery", None, opts)
        self._settings = settings
        self._delivery = delivery
        self._child = pulumi.ResourceOptions(parent=self)
        pool = self._pool()
        of_branch = f"deployer/{delivery.environment}@refs/heads/{delivery.branch}"
        deploy = self._account("deploy", DEPLOY_ROLES, pool, of_branch)
        preview = self._account("preview", PREVIEW_ROLES, pool, f"environment/{delivery.environment}-preview")
        self._allow_granting(deploy.member)
        self._allow_running(deploy.member, runs_as)
        self._allow_looking_at_metrics(preview.member)
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
                    "attribute.deployer": 'assertion.environment + "@" + assertion.ref',
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
        self, name: str, roles: tuple[str, ...], pool: iam.WorkloadIdentityPool, attribute: str
    ) -> serviceaccount.Account:
        account = make_account(name, f"GitHub Actions, {name}", self._child)
        serviceaccount.IAMMember(
            f"github-becomes-{name}",
            serviceaccount.IAMMemberArgs(
                service_account_id=account.name,
                role="roles/iam.workloadIdentityUser",
                member=pulumi.Output.concat(
                    "principalSet://iam.googleapis.com/", pool.name, f"/attribute.{attribute}"
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

    def _allow_granting(self, deploy: pulumi.Input[str]) -> None:
        """Let roles over the project be granted, those the stacks grant and no other."""
        roles = ", ".join(f"'{role}'" for role in GRANTED_ROLES)
        granted = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', [])"
        projects.IAMMember(
            "deploy-grants",
            projects.IAMMemberArgs(
                project=self._settings.project,
                role="roles/resourcemanager.projectIamAdmin",
                member=deploy,
                condition=projects.IAMMemberConditionArgs(
                    title="the stacks' own grants only", expression=f"{granted}.hasOnly([{roles}])"
                ),
            ),
            self._child,
        )

    def _allow_running(
        self, deploy: pulumi.Input[str], runs_as: Mapping[str, serviceaccount.Account]
    ) -> None:
        for name, account in runs_as.items():
            serviceaccount.IAMMember(
                f"deploy-runs-as-{name}",
                serviceaccount.IAMMemberArgs(
                    service_account_id=account.name, role="roles/iam.serviceAccountUser", member=deploy
                ),
                self._child,
            )

    def _allow_looking_at_metrics(self, preview: pulumi.Input[str]) -> None:
        role = projects.IAMCustomRole(
            "previewer",
            projects.IAMCustomRoleArgs(
                role_id="exposurePreviewer",
                title="Looks at log metrics, not at logs",
                permissions=list(_PREVIEWER),
            ),
            self._child,
        )
        projects.IAMMember(
            "preview-log-metrics",
            projects.IAMMemberArgs(project=self._settings.project, role=role.name, member=preview),
            self._child,
        )

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
