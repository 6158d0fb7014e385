"""The whole platform on one page, in the order of the data's flow."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from exposure.contracts.catalog import CATALOG, Catalog
from stacks.api import declare_api
from stacks.cache import Cache
from stacks.config import Settings
from stacks.delivery import Delivery
from stacks.feed import Feed, Surroundings
from stacks.image import ServiceImage
from stacks.ingest import Ingest
from stacks.project import Project, make_provider
from stacks.warehouse import Warehouse
from stacks.worker import Worker


@dataclass(frozen=True)
class Platform:
    """What the stack exports: where the API answers, and the image everything runs."""

    api_uri: str
    image: pulumi.Output[str]


def declare(settings: Settings, catalog: Catalog = CATALOG) -> Platform:
    """Declare every resource of one environment."""
    provider = make_provider(settings)
    project = Project("project", pulumi.ResourceOptions(provider=provider))
    opts = pulumi.ResourceOptions(provider=provider, depends_on=[project])
    image = ServiceImage("image", settings, opts)
    warehouse = Warehouse("warehouse", settings, catalog, opts)
    ingest: Ingest | Worker
    if settings.worker is None:
        ingest = Ingest(settings, image.ref, project.pubsub_agent, opts)
    else:
        ingest = Worker(settings, settings.worker, image.ref, opts)
    cache = None if settings.cache is None else Cache("cache", settings, settings.cache, opts)
    api = declare_api(settings, image.ref, cache, opts)
    for contract in catalog:
        warehouse.allow_append(contract, "ingest", ingest.member)
        warehouse.allow_read(contract, "api", api.member)
        surroundings = Surroundings(agent=project.pubsub_agent, dataset=warehouse.dataset(contract.dataset))
        feed = Feed(contract, settings, surroundings, ingest.push, opts)
        if ingest.push is None:
            feed.allow_pull("ingest", ingest.member)
    if settings.delivery is not None:
        Delivery("delivery", settings, settings.delivery, opts)
    return Platform(api.uri, image.ref)
