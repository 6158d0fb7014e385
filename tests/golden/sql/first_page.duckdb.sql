SELECT "id" AS "_0", "timestamp" AS "_1", "data" AS "_2", "id" AS "_3"
FROM "analytics_dataset"."analytics_table"
ORDER BY "id" ASC NULLS FIRST
LIMIT $page_rows;

-- page_rows: integer 101
