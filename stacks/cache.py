"""Memorystore for Valkey: what the API's instances share, reached over a private network with IAM and TLS.

Declared where the stack asks for it. It holds nothing that cannot be had again, so it is never backed up.
"""

from __future__ import annotations

import pulumi
from pulumi_gcp import memorystore, networkconnectivity, projects

from stacks.config import CacheSettings, Settings
from stacks.network import Network

_ENGINE = "VALKEY_8_0"


class Cache(pulumi.ComponentResource):
    """One instance, its network and its connection policy.

    `address` is what the API connects to, `authority` the PEM of who signed the certificate it meets there.
    """

    def __init__(
        self, name: str, settings: Settings, cache: CacheSettings, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("exposure:cache:Cache", name, None, opts)
        self._settings = settings
        self._child = pulumi.ResourceOptions(parent=self)
        self.network = Network("network", settings, cache, self._child)
        instance = self._instance(name, cache, self._policy())
        endpoint = instance.endpoints[0]["connections"][0]["psc_auto_connection"]
        self.address: pulumi.Output[str] = endpoint["ip_address"]
        self.authority: pulumi.Output[str] = instance.managed_server_cas[0]["ca_certs"][0]["certificates"][0]
        self.register_outputs({"address": self.address})

    def allow_connect(self, name: str, member: pulumi.Input[str]) -> None:
        """Let the member connect with its own short-lived tokens."""
        projects.IAMMember(
            f"{name}-connects-to-cache",
            projects.IAMMemberArgs(
                project=self._settings.project, role="roles/memorystore.dbConnectionUser", member=member
            ),
            self._child,
        )

    def _policy(self) -> networkconnectivity.ServiceConnectionPolicy:
        """Let Memorystore put its endpoints into the network; instances cannot be made before."""
        return networkconnectivity.ServiceConnectionPolicy(
            "cache-endpoints",
            networkconnectivity.ServiceConnectionPolicyArgs(
                name="exposure-cache",
                location=self._settings.region,
                network=self.network.id,
                service_class="gcp-memorystore",
                psc_config=networkconnectivity.ServiceConnectionPolicyPscConfigArgs(
                    subnetworks=[self.network.subnet_id]
                ),
            ),
            self._child,
        )

    def _instance(
        self, name: str, cache: CacheSettings, policy: networkconnectivity.ServiceConnectionPolicy
    ) -> memorystore.Instance:
        settings = self._settings
        return memorystore.Instance(
            name,
            memorystore.InstanceArgs(
                instance_id="exposure",
                location=settings.region,
                shard_count=1,
                replica_count=cache.replicas,
                mode="CLUSTER_DISABLED",
                node_type=cache.node_type,
                engine_version=_ENGINE,
                # Keys expire by themselves; past the memory, the oldest asked for go first.
                engine_configs={"maxmemory-policy": "allkeys-lru"},
                authorization_mode="IAM_AUTH",
                transit_encryption_mode="SERVER_AUTHENTICATION",
                deletion_protection_enabled=settings.protected,
                desired_auto_created_endpoints=[
                    memorystore.InstanceDesiredAutoCreatedEndpointArgs(
                        network=self.network.id, project_id=settings.project
                    )
                ],
            ),
            pulumi.ResourceOptions(parent=self, depends_on=[policy]),
        )
