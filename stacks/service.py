"""One Cloud Run service: its identity, its container, its scaling, its probes, and who may call it.

It decides neither what the service is told (`ingest`, `api`) nor what it may touch (`warehouse`, `feed`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import cloudrunv2, secretmanager, serviceaccount

from exposure.settings import ENVIRONMENT_PREFIX
from stacks.config import ServiceSettings, Settings
from stacks.network import Network
from stacks.release import traffic_of

_PORT = 8080
# Where secrets are mounted, each in a folder of its own.
_MOUNTS, _FILE = "/secrets", "value"
LIVE_PATH, READY_PATH = "/health/live", "/health/ready"


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What a program runs from and as. `after` is in place before it starts, or its first probes fail."""

    image: pulumi.Input[str]
    account: serviceaccount.Account
    after: Sequence[pulumi.Resource]


@dataclass(frozen=True, kw_only=True)
class Program:
    """What runs in the container. `environment` and `secrets` are by settings field, without the prefix.

    A secret is its id and the version to read; those of `files` are mounted, and their field is told where.
    `is_public` switches the invoker check off.
    `network` is a private one to send from, beside the internet. What `works_between_requests` has its CPU
    all the time, and pays for it.
    """

    runtime: Runtime
    command: Sequence[str]
    environment: Mapping[str, pulumi.Input[str]]
    secrets: Mapping[str, tuple[str, str]]
    files: Mapping[str, tuple[str, str]]
    sizes: ServiceSettings
    is_internal: bool
    is_public: bool
    network: Network | None
    works_between_requests: bool = False


class CloudRunService(pulumi.ComponentResource):
    """A service, and its account's leave to read its secrets; all else is granted elsewhere."""

    def __init__(self, name: str, settings: Settings, program: Program, opts: pulumi.ResourceOptions) -> None:
        super().__init__("exposure:service:CloudRunService", name, None, opts)
        self._name = name
        self._region = settings.region
        self._child = pulumi.ResourceOptions(parent=self)
        self.service = cloudrunv2.Service(
            name,
            cloudrunv2.ServiceArgs(
                name=name,
                location=settings.region,
                ingress="INGRESS_TRAFFIC_INTERNAL_ONLY" if program.is_internal else "INGRESS_TRAFFIC_ALL",
                invoker_iam_disabled=program.is_public,
                deletion_protection=settings.protected,
                launch_stage="GA",
                scaling=cloudrunv2.ServiceScalingArgs(
                    min_instance_count=program.sizes.min_instances,
                    max_instance_count=program.sizes.max_instances,
                ),
                template=_template(program),
                traffics=traffic_of(name, settings),
            ),
            pulumi.ResourceOptions(
                parent=self,
                depends_on=[*program.runtime.after, *self._read_secrets(program)],
                ignore_changes=["client", "clientVersion"],
            ),
        )
        # Known before the service is: what the service is told of its own address must not wait for it.
        self.uri = service_uri(name, settings)
        self.register_outputs({"urls": self.service.urls.apply(lambda urls: check_address(self.uri, urls))})

    def _read_secrets(self, program: Program) -> list[pulumi.Resource]:
        return [
            secretmanager.SecretIamMember(
                f"{self._name}-reads-{secret}",
                secretmanager.SecretIamMemberArgs(
                    secret_id=secret,
                    role="roles/secretmanager.secretAccessor",
                    member=program.runtime.account.member,
                ),
                self._child,
            )
            for secret, _ in (*program.secrets.values(), *program.files.values())
        ]

    def allow_invoke(self, name: str, member: pulumi.Input[str]) -> cloudrunv2.ServiceIamMember:
        """Let the member call the service."""
        return cloudrunv2.ServiceIamMember(
            f"{name}-invokes-{self._name}",
            cloudrunv2.ServiceIamMemberArgs(
                name=self.service.name, location=self._region, role="roles/run.invoker", member=member
            ),
            self._child,
        )


def service_uri(name: str, settings: Settings) -> str:
    """Return the address Cloud Run makes of a service's name, the project's number and the region.

    Format: https://cloud.google.com/run/docs/triggering/https-request#deterministic
    """
    return f"https://{name}-{settings.project_number}.{settings.region}.run.app"


def check_address(uri: str, urls: Sequence[str] | None) -> Sequence[str]:
    """Return a service's addresses, once Google has said them; ValueError when `uri` is not among them.

    Made of a wrong project number, it would have pushes sent to somebody else's host.
    """
    if urls and uri not in urls:
        raise ValueError(f"{uri} is none of the service's addresses {', '.join(urls)}: see project_number")
    return urls or ()


def make_account(name: str, title: str, opts: pulumi.ResourceOptions) -> serviceaccount.Account:
    """Return an account without keys."""
    args = serviceaccount.AccountArgs(account_id=f"exposure-{name}", display_name=title)
    return serviceaccount.Account(f"{name}-account", args, opts)


def _template(program: Program) -> cloudrunv2.ServiceTemplateArgs:
    sizes = program.sizes
    return cloudrunv2.ServiceTemplateArgs(
        service_account=program.runtime.account.email,
        timeout=f"{sizes.timeout_seconds}s",
        max_instance_request_concurrency=sizes.concurrency,
        execution_environment="EXECUTION_ENVIRONMENT_GEN2",
        # Stated here and on the service: a refresh shows drift where only one of them is.
        scaling=cloudrunv2.ServiceTemplateScalingArgs(
            min_instance_count=sizes.min_instances, max_instance_count=sizes.max_instances
        ),
        vpc_access=None if program.network is None else _egress(program.network),
        volumes=[_volume(*secret) for secret in program.files.values()] or None,
        containers=[_container(program)],
    )


def _volume(secret: str, version: str) -> cloudrunv2.ServiceTemplateVolumeArgs:
    return cloudrunv2.ServiceTemplateVolumeArgs(
        name=secret,
        secret=cloudrunv2.ServiceTemplateVolumeSecretArgs(
            secret=secret,
            items=[cloudrunv2.ServiceTemplateVolumeSecretItemArgs(path=_FILE, version=version)],
        ),
    )


def _egress(network: Network) -> cloudrunv2.ServiceTemplateVpcAccessArgs:
    return cloudrunv2.ServiceTemplateVpcAccessArgs(
        egress="PRIVATE_RANGES_ONLY",
        network_interfaces=[
            cloudrunv2.ServiceTemplateVpcAccessNetworkInterfaceArgs(
                network=network.id, subnetwork=network.subnet_id, tags=[network.tag]
            )
        ],
    )


def _container(program: Program) -> cloudrunv2.ServiceTemplateContainerArgs:
    return cloudrunv2.ServiceTemplateContainerArgs(
        image=program.runtime.image,
        commands=list(program.command),
        ports=cloudrunv2.ServiceTemplateContainerPortsArgs(container_port=_PORT),
        resources=cloudrunv2.ServiceTemplateContainerResourcesArgs(
            limits={"cpu": program.sizes.cpu, "memory": program.sizes.memory},
            # Must be stated once `resources` is, or CPU is billed between requests.
            cpu_idle=not program.works_between_requests,
            startup_cpu_boost=True,
        ),
        startup_probe=cloudrunv2.ServiceTemplateContainerStartupProbeArgs(
            http_get=cloudrunv2.ServiceTemplateContainerStartupProbeHttpGetArgs(path=READY_PATH),
            # What was granted a moment ago may take minutes to be so.
            period_seconds=5,
            timeout_seconds=3,
            failure_threshold=36,
        ),
        liveness_probe=cloudrunv2.ServiceTemplateContainerLivenessProbeArgs(
            http_get=cloudrunv2.ServiceTemplateContainerLivenessProbeHttpGetArgs(path=LIVE_PATH),
            period_seconds=10,
            timeout_seconds=3,
            failure_threshold=3,
        ),
        envs=[*_plain(program), *_secret(program)],
        volume_mounts=[
            cloudrunv2.ServiceTemplateContainerVolumeMountArgs(name=secret, mount_path=f"{_MOUNTS}/{secret}")
            for secret, _ in program.files.values()
        ]
        or None,
    )


def _plain(program: Program) -> list[cloudrunv2.ServiceTemplateContainerEnvArgs]:
    files = {field: f"{_MOUNTS}/{secret}/{_FILE}" for field, (secret, _) in program.files.items()}
    return [
        cloudrunv2.ServiceTemplateContainerEnvArgs(name=variable(field), value=value)
        for field, value in {**program.environment, **files}.items()
    ]


def _secret(program: Program) -> list[cloudrunv2.ServiceTemplateContainerEnvArgs]:
    return [
        cloudrunv2.ServiceTemplateContainerEnvArgs(
            name=variable(field),
            value_source=cloudrunv2.ServiceTemplateContainerEnvValueSourceArgs(
                secret_key_ref=cloudrunv2.ServiceTemplateContainerEnvValueSourceSecretKeyRefArgs(
                    secret=secret, version=version
                )
            ),
        )
        for field, (secret, version) in program.secrets.items()
    ]


def variable(field: str) -> str:
    """Return the environment variable a service's settings field is read from."""
    return f"{ENVIRONMENT_PREFIX}{field.upper()}"
