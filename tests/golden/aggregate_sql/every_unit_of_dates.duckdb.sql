SELECT "g0", "g1", "g2", "g3", "m0"
FROM (
SELECT "g0", "g1", "g2", "g3", COUNT(*) AS "m0"
FROM (
SELECT *, "_0" AS "g0", "_0" - CAST((isodow("_0") - 1) AS INTEGER) AS "g1", "_0" - CAST(isodow("_0") % 7 AS INTEGER) AS "g2", CAST(date_trunc('month', "_0") AS DATE) AS "g3"
FROM (
SELECT "deliver_on" AS "_0"
FROM "sales_dataset"."orders"
)
)
GROUP BY "g0", "g1", "g2", "g3"
)
ORDER BY "g0" ASC NULLS FIRST, "g1" ASC NULLS FIRST, "g2" ASC NULLS FIRST, "g3" ASC NULLS FIRST
LIMIT $group_rows;

-- group_rows: integer 101
