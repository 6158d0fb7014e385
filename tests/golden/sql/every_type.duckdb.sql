SELECT "order_id" AS "_0", "placed_at" AS "_1", "customer_id" AS "_2", "total" AS "_3", "currency" AS "_4", "weight_kg" AS "_5", "paid" AS "_6", "deliver_on" AS "_7", "shipping" AS "_8", "items" AS "_9", "tags" AS "_10", "context" AS "_11", "_message_id" AS "_12", "_publish_time" AS "_13", "_ingest_time" AS "_14", "_extra" AS "_15", "order_id" AS "_16"
FROM "sales_dataset"."orders"
ORDER BY "order_id" ASC NULLS FIRST
LIMIT $page_rows;

-- page_rows: integer 101
