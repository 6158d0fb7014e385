"""The contract of web shop orders: it uses every logical type, so every adapter meets every type."""

from __future__ import annotations

from datetime import timedelta

from exposure.contracts.access import PUBLIC
from exposure.contracts.model import Column, Contract, ServiceLevel
from exposure.contracts.types import Array, Object, Scalar

_ADDRESS = Object(
    fields=(
        Column("street", Scalar.STRING, example="Calle Mayor 1", matchable=True),
        Column("city", Scalar.STRING, example="Madrid"),
        Column("postcode", Scalar.STRING, nullable=True, example="28013"),
        Column("latitude", Scalar.NUMBER, "Degrees north.", nullable=True, example=40.4154),
    )
)
_ITEM = Object(
    fields=(
        Column("sku", Scalar.STRING, "Stock-keeping unit.", example="SKU-0042"),
        Column("quantity", Scalar.INTEGER, example=2),
        Column("unit_price", Scalar.DECIMAL, "In the order's currency.", example="19.90"),
    )
)

CONTRACT = Contract(
    name="orders",
    version="2.0.0",
    description="Orders placed in the web shop, one row per order.",
    owner="sales",
    topic="orders-topic",
    dataset="sales_dataset",
    columns=(
        Column("order_id", Scalar.STRING, "Id of the order.", example="ord-000001"),
        Column("placed_at", Scalar.TIMESTAMP, "When it was placed.", example="2026-11-25T12:00:00Z"),
        Column("customer_id", Scalar.INTEGER, "Id of the customer.", example=4711),
        Column("total", Scalar.DECIMAL, "Amount to pay, in `currency`.", example="39.80"),
        Column("currency", Scalar.STRING, "ISO 4217 code.", example="EUR"),
        Column("weight_kg", Scalar.NUMBER, "Weight of the parcel.", nullable=True, example=1.25),
        Column("paid", Scalar.BOOLEAN, "Whether the payment has arrived.", example=True),
        Column("deliver_on", Scalar.DATE, "Promised day.", nullable=True, example="2026-11-27"),
        Column("shipping", _ADDRESS, "Where it goes.", nullable=True),
        Column("items", Array(_ITEM), "What was ordered."),
        Column("tags", Array(Scalar.STRING), "Labels of the sales team.", example=["gift"]),
        Column(
            "context",
            Scalar.JSON,
            "What the shop knew.",
            nullable=True,
            example={"channel": "web"},
            members=(Column("channel", Scalar.STRING, "Where it was ordered.", example="web"),),
        ),
    ),
    key="order_id",
    event_time="placed_at",
    clustered_by=("order_id", "customer_id"),
    retention=timedelta(days=730),
    service_level=ServiceLevel(freshness=timedelta(seconds=60)),
    # Who asks for orders means recent ones; two years of them are read only by who says so.
    unbounded=timedelta(days=92),
    max_bytes_billed=2 * 2**30,
    access=PUBLIC,
)
