"""The whole platform on one page, in the order of the data's flow."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from exposure.contracts.catalog import CATALOG, Catalog
from stacks.api import declare_api
from stacks.cache import Cache
from stacks.canary import Canary
from stacks.config import Settings
from stacks.delivery import Delivery
from stacks.feed import Feed, Surroundings
from stacks.image import ServiceImage
from stacks.ingest import Ingest
from stacks.operations import Operations
from stacks.project import Project, make_provider
from stacks.release import revisions
from stacks.service import Runtime, make_account
from stacks.telemetry import allow_telemetry
from stacks.warehouse import Warehouse
from stacks.worker import Worker


@dataclass(frozen=True)
class Platform:
    """What the stack exports: where the API answers, what runs, and what a release goes back to."""

    api_uri: str
    image: pulumi.Output[str]
    revisions: pulumi.Output[dict[str, str]]


def declare(settings: Settings, catalog: Catalog = CATALOG) -> Platform:
    """Declare every resource of one environment."""
    provider = make_provider(settings)
    project = Project("project", pulumi.ResourceOptions(provider=provider))
    opts = pulumi.ResourceOptions(provider=provider, depends_on=[project])
    image = ServiceImage("image", settings, opts)
    warehouse = Warehouse("warehouse", settings, catalog, opts)
    ingest_account = make_account("ingest", "Runs ingest", opts)
    api_account = make_account("api", "Runs the API", opts)
    appends = allow_telemetry("ingest", settings, ingest_account.member, opts)
    reads = allow_telemetry("api", settings, api_account.member, opts)
    for contract in catalog:
        appends += warehouse.allow_append(contract, "ingest", ingest_account.member)
        reads.append(warehouse.allow_read(contract, "api", api_account.member))
    ingest_runtime = Runtime(image=image.ref, account=ingest_account, after=appends)
    ingest: Ingest | Worker
    if settings.worker is None:
        ingest = Ingest(settings, ingest_runtime, project.pubsub_agent, opts)
    else:
        ingest = Worker(settings, settings.worker, ingest_runtime, opts)
    feeds = []
    for contract in catalog:
        surroundings = Surroundings(agent=project.pubsub_agent, dataset=warehouse.dataset(contract.dataset))
        feed = Feed(contract, settings, surroundings, ingest.push, opts)
        feeds.append(feed)
        if ingest.push is None:
            feed.allow_pull("ingest", ingest_account.member)
    cache = None if settings.cache is None else Cache("cache", settings, settings.cache, opts)
    api = declare_api(settings, Runtime(image=image.ref, account=api_account, after=reads), cache, opts)
    runs_as = {"ingest": ingest_account, "api": api_account}
    if settings.canary:
        runs_as["canary"] = make_account("canary", "Runs the canary", opts)
        Canary(settings, Runtime(image=image.ref, account=runs_as["canary"], after=[]), feeds, api, opts)
    if settings.delivery is not None:
        if ingest.push is not None:
            runs_as["push"] = ingest.push.account
        Delivery(settings, settings.delivery, runs_as, opts)
    Operations(settings, catalog, api.uri, opts)
    services = {"api": api.service} | ({} if ingest.service is None else {"ingest": ingest.service})
    return Platform(api.uri, image.ref, revisions(services, settings))
