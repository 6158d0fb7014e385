SELECT "m0"
FROM (
SELECT COUNT(*) AS "m0"
FROM (
SELECT "id" AS "_0"
FROM "analytics_dataset"."analytics_table"
)
)
LIMIT $group_rows;

-- group_rows: integer 101
