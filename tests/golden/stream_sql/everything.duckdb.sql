SELECT "id" AS "_0", "timestamp" AS "_1", "data" AS "_2"
FROM "analytics_dataset"."analytics_table"
