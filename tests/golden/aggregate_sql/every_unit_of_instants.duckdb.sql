SELECT "g0", "g1", "g2", "g3", "m0"
FROM (
SELECT "g0", "g1", "g2", "g3", COUNT(*) AS "m0"
FROM (
SELECT *, date_trunc('minute', "_0") AS "g0", date_trunc('hour', "_0") AS "g1", CAST("_0" AS DATE) AS "g2", CAST(date_trunc('month', CAST("_0" AS DATE)) AS DATE) AS "g3"
FROM (
SELECT "placed_at" AS "_0"
FROM "sales_dataset"."orders"
)
)
GROUP BY "g0", "g1", "g2", "g3"
)
ORDER BY "g0" ASC NULLS FIRST, "g1" ASC NULLS FIRST, "g2" ASC NULLS FIRST, "g3" ASC NULLS FIRST
LIMIT $group_rows;

-- group_rows: integer 101
