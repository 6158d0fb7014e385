"""The environments whose plans are tested: the real ones, one with every option, one whose ingest pulls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stacks.config import Settings
from stacks.plan import Recorded, record, settings_of
from stacks.platform import declare

_EVERY_OPTION: Mapping[str, Any] = {
    "reader_keys_version": "3",
    "access": "iam",
    "canary": True,
    "trace_ratio": 0.01,
    "metrics_interval_seconds": 60,
    "image_readers": [
        "serviceAccount:service-100000000003@serverless-robot-prod.iam.gserviceaccount.com",
        "serviceAccount:exposure-deploy@data-exposure-other.iam.gserviceaccount.com",
    ],
    "budget": {"billing_account": "000000-000000-000000", "amount_units": 500, "currency": "EUR"},
    "cache": {"node_type": "SHARED_CORE_NANO", "replicas": 1, "range": "10.20.0.0/24"},
    "query": {
        "deadline_seconds": 8,
        "max_bytes_billed": 10 * 2**30,
        "threads": 16,
        "per_second": 40,
        "caller_daily_bytes": 50 * 2**30,
    },
    "kept_answers": {
        "cache_lifetime_seconds": 15,
        "cache_stale_while_revalidate_seconds": 15,
        "cache_stale_if_error_seconds": 35,
        "cache_bytes": 64 * 2**20,
    },
    "bi_engine_gib": 2,
    "new_revision_share": 25,
    "release": {"stage": "trial", "revisions": {"api": "api-00007-abc", "ingest": "ingest-00003-abc"}},
    "delivery": {
        "repository_id": "123456789",
        "owner_id": "987654",
        "environment": "prod",
        "branch": "master",
        "state_bucket": "data-exposure-prod-state",
        "state_key": "projects/data-exposure-prod/locations/europe-west1/keyRings/pulumi/cryptoKeys/state",
    },
}
WORKER: Mapping[str, Any] = {
    "instances": 2,
    "cpu": "1",
    "memory": "1Gi",
    "held_messages": 2000,
    "batch_rows": 1000,
    "appends_in_flight": 2,
}
# Of the environments that have no file of their own: whose file they start from, and what they say instead.
_DIFFERENCES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "full": ("prod", _EVERY_OPTION),
    "pulling": ("dev", {"worker": WORKER}),
}
ENVIRONMENTS = ("dev", "prod", "full", "pulling")


def settings_for(environment: str) -> Settings:
    """Return the settings of one of `ENVIRONMENTS`."""
    file, differences = _DIFFERENCES.get(environment, (environment, {}))
    return Settings.model_validate({**settings_of(file).model_dump(mode="json"), **differences})


def plan_of(environment: str) -> list[Recorded]:
    """Return what one of `ENVIRONMENTS` declares, recorded anew."""
    settings = settings_for(environment)
    return record(environment, lambda: declare(settings))
