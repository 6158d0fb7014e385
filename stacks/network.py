"""The private network the API reaches its cache by; nothing else is in it and nothing is routed out of it."""

from __future__ import annotations

import pulumi
from pulumi_gcp import compute

from stacks.config import CacheSettings, Settings

# The address asked first, and the nodes behind it: https://cloud.google.com/memorystore/docs/valkey/networking
_VALKEY_PORTS = ("6379", "11000-13047")
_TAG = "exposure-api"


class Network(pulumi.ComponentResource):
    """One network, one subnet, and egress from the API to the cache's ports alone.

    The subnet is /26 at least: instances take several addresses each while a revision rolls out.
    """

    def __init__(
        self, name: str, settings: Settings, cache: CacheSettings, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("exposure:network:Network", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        network = compute.Network(
            name, compute.NetworkArgs(name="exposure", auto_create_subnetworks=False), child
        )
        subnet = compute.Subnetwork(
            f"{name}-subnet",
            compute.SubnetworkArgs(
                name="exposure",
                network=network.id,
                region=settings.region,
                ip_cidr_range=cache.range,
                private_ip_google_access=True,
            ),
            child,
        )
        self.id, self.subnet_id, self.tag = network.id, subnet.id, _TAG
        self._egress(network, cache, child)
        self.register_outputs({"id": self.id})

    def _egress(self, network: compute.Network, cache: CacheSettings, child: pulumi.ResourceOptions) -> None:
        compute.Firewall(
            "api-reaches-cache",
            compute.FirewallArgs(
                name="exposure-api-reaches-cache",
                network=network.id,
                direction="EGRESS",
                priority=1000,
                target_tags=[_TAG],
                destination_ranges=[cache.range],
                allows=[compute.FirewallAllowArgs(protocol="tcp", ports=list(_VALKEY_PORTS))],
            ),
            child,
        )
        compute.Firewall(
            "api-reaches-nothing-else",
            compute.FirewallArgs(
                name="exposure-api-reaches-nothing-else",
                network=network.id,
                direction="EGRESS",
                priority=65000,
                target_tags=[_TAG],
                destination_ranges=["0.0.0.0/0"],
                denies=[compute.FirewallDenyArgs(protocol="all")],
            ),
            child,
        )
