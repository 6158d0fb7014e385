SELECT "data" AS "_0"
FROM "analytics_dataset"."analytics_table"
ORDER BY "timestamp" DESC NULLS LAST, "id" ASC NULLS FIRST
