"""What each contract has in Pub/Sub: topic, subscription, dead letters and their archive, and grants.

Topics have no schema: an Avro union refuses plain JSON, so the subscriber is where messages are judged.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
from pulumi_gcp import bigquery, pubsub, serviceaccount

from exposure.contracts.model import Contract
from stacks.config import Settings

_DAY_SECONDS = 86_400
_ARCHIVE_COLUMNS = (
    ("subscription_name", "STRING"),
    ("message_id", "STRING"),
    ("publish_time", "TIMESTAMP"),
    ("data", "BYTES"),
    ("attributes", "STRING"),
)


@dataclass(frozen=True, kw_only=True)
class Push:
    """Where messages are pushed, as whom, and what must be in place first.

    `uri` is the service's own address, which is also the audience of its tokens.
    """

    uri: str
    account: serviceaccount.Account
    ready: tuple[pulumi.Resource, ...]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a feed hangs between: Pub/Sub's service agent, as IAM writes it, and the contract's dataset."""

    agent: pulumi.Output[str]
    dataset: bigquery.Dataset


class Feed(pulumi.ComponentResource):
    """One contract's topic and everything that hangs on it. Without a `push`, whoever is allowed to pulls."""

    def __init__(
        self,
        contract: Contract,
        settings: Settings,
        surroundings: Surroundings,
        push: Push | None,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("exposure:feed:Feed", contract.topic, None, opts)
        self._contract = contract
        self._settings = settings
        self._agent, self._dataset = surroundings.agent, surroundings.dataset
        self._child = pulumi.ResourceOptions(parent=self)
        self._retention = f"{settings.feed.retention_days * _DAY_SECONDS}s"
        topic = self.topic = self._topic(contract.topic)
        dead_letters = self._topic(contract.dead_letter_topic)
        archive = self._archive(dead_letters)
        forwarding = pubsub.TopicIAMMember(
            f"{contract.dead_letter_topic}-publisher",
            pubsub.TopicIAMMemberArgs(
                topic=dead_letters.name, role="roles/pubsub.publisher", member=self._agent
            ),
            self._child,
        )
        # A dead letter nobody keeps is lost, so the archive comes before the first delivery.
        self.subscription = self._subscribe(topic, dead_letters, push, [forwarding, archive])
        pubsub.SubscriptionIAMMember(
            f"{contract.dead_letter_topic}-subscriber",
            pubsub.SubscriptionIAMMemberArgs(
                subscription=self.subscription.name, role="roles/pubsub.subscriber", member=self._agent
            ),
            self._child,
        )
        self.register_outputs({"topic": topic.id, "subscription": self.subscription.id})

    def _topic(self, name: str) -> pubsub.Topic:
        args = pubsub.TopicArgs(
            name=name,
            message_retention_duration=self._retention,
            # Wherever it is published from, a message is kept where its rows will be.
            message_storage_policy=pubsub.TopicMessageStoragePolicyArgs(
                allowed_persistence_regions=[self._settings.region]
            ),
        )
        return pubsub.Topic(name, args, self._child)

    def allow_pull(self, name: str, member: pulumi.Input[str]) -> None:
        """Let the member take messages and acknowledge them."""
        pubsub.SubscriptionIAMMember(
            f"{name}-pulls-{self._contract.topic}",
            pubsub.SubscriptionIAMMemberArgs(
                subscription=self.subscription.name, role="roles/pubsub.subscriber", member=member
            ),
            self._child,
        )

    def allow_publish(self, name: str, member: pulumi.Input[str]) -> pulumi.Resource:
        """Let the member publish to the contract's topic."""
        return pubsub.TopicIAMMember(
            f"{name}-publishes-{self._contract.topic}",
            pubsub.TopicIAMMemberArgs(topic=self.topic.name, role="roles/pubsub.publisher", member=member),
            self._child,
        )

    def _subscribe(
        self,
        topic: pubsub.Topic,
        dead_letters: pubsub.Topic,
        push: Push | None,
        first: list[pulumi.Resource],
    ) -> pubsub.Subscription:
        feed, name = self._settings.feed, self._contract.subscription
        return pubsub.Subscription(
            name,
            pubsub.SubscriptionArgs(
                name=name,
                topic=topic.id,
                ack_deadline_seconds=feed.ack_deadline_seconds,
                message_retention_duration=self._retention,
                expiration_policy=pubsub.SubscriptionExpirationPolicyArgs(ttl=""),
                push_config=None if push is None else _push_config(push, self._contract),
                retry_policy=self._retry_policy(),
                dead_letter_policy=pubsub.SubscriptionDeadLetterPolicyArgs(
                    dead_letter_topic=dead_letters.id,
                    max_delivery_attempts=feed.max_delivery_attempts,
                ),
            ),
            pulumi.ResourceOptions(parent=self, depends_on=[*first, *(() if push is None else push.ready)]),
        )

    def _retry_policy(self) -> pubsub.SubscriptionRetryPolicyArgs:
        feed = self._settings.feed
        return pubsub.SubscriptionRetryPolicyArgs(
            minimum_backoff=f"{feed.first_retry_seconds}s", maximum_backoff=f"{feed.last_retry_seconds}s"
        )

    def _archive(self, dead_letters: pubsub.Topic) -> pubsub.Subscription:
        """Keep dead letters in a table, bytes and attributes as they were."""
        table = self._archive_table()
        grant = bigquery.IamMember(
            f"{self._contract.name}-dead-letters-writer",
            bigquery.IamMemberArgs(
                dataset_id=self._dataset.dataset_id,
                table_id=table.table_id,
                role="roles/bigquery.dataEditor",
                member=self._agent,
            ),
            self._child,
        )
        name = self._contract.dead_letter_archive
        path = pulumi.Output.format(
            "{0}.{1}.{2}", self._settings.project, self._dataset.dataset_id, table.table_id
        )
        return pubsub.Subscription(
            name,
            pubsub.SubscriptionArgs(
                name=name,
                topic=dead_letters.id,
                message_retention_duration=self._retention,
                expiration_policy=pubsub.SubscriptionExpirationPolicyArgs(ttl=""),
                bigquery_config=pubsub.SubscriptionBigqueryConfigArgs(table=path, write_metadata=True),
                retry_policy=self._retry_policy(),
            ),
            pulumi.ResourceOptions(parent=self, depends_on=[grant]),
        )

    def _archive_table(self) -> bigquery.Table:
        name = self._contract.dead_letter_table
        fields = [{"name": column, "type": kind, "mode": "NULLABLE"} for column, kind in _ARCHIVE_COLUMNS]
        return bigquery.Table(
            name,
            bigquery.TableArgs(
                dataset_id=self._dataset.dataset_id,
                table_id=name,
                description=f"Messages of {self._contract.topic} that could not be delivered.",
                schema=json.dumps(fields),
                time_partitioning=bigquery.TableTimePartitioningArgs(type="DAY", field="publish_time"),
                deletion_protection=self._settings.protected,
            ),
            pulumi.ResourceOptions(parent=self, protect=self._settings.protected),
        )


def _push_config(push: Push, contract: Contract) -> pubsub.SubscriptionPushConfigArgs:
    return pubsub.SubscriptionPushConfigArgs(
        push_endpoint=f"{push.uri}/push/{contract.name}",
        oidc_token=pubsub.SubscriptionPushConfigOidcTokenArgs(
            service_account_email=push.account.email, audience=push.uri
        ),
    )
