"""The contract of the analytics events: the dataset the platform was made for."""

from __future__ import annotations

from exposure.contracts.access import PUBLIC
from exposure.contracts.model import Column, Contract
from exposure.contracts.types import Scalar

CONTRACT = Contract(
    name="analytics_table",
    version="1.0.0",
    description="Analytics events as their producers published them, one row per event id.",
    owner="data-platform",
    topic="data-ingestion-topic",
    dataset="analytics_dataset",
    columns=(
        Column("id", Scalar.STRING, "Id of the event, chosen by its producer.", example="evt-000001"),
        Column("timestamp", Scalar.TIMESTAMP, "When the event happened.", example="2026-11-25T12:00:00Z"),
        Column(
            "data",
            Scalar.STRING,
            "Free-form payload, usually JSON text.",
            nullable=True,
            example='{"page": "/home"}',
        ),
    ),
    key="id",
    event_time="timestamp",
    clustered_by=("id",),
    access=PUBLIC,
)
