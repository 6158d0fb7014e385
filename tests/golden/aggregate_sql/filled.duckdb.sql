SELECT "g0", "g1", "m0"
FROM (
SELECT "g0", "g1", COUNT(*) AS "m0"
FROM (
SELECT *, date_trunc('hour', "_0") AS "g0", "_1" AS "g1"
FROM (
SELECT "placed_at" AS "_0", "currency" AS "_1"
FROM (SELECT * FROM "sales_dataset"."orders" WHERE "placed_at" >= $p0 AND "placed_at" < $p1)
)
)
GROUP BY "g0", "g1"
)
ORDER BY "g1" ASC NULLS FIRST, "g0" ASC NULLS FIRST
LIMIT $group_rows;

-- p0: timestamp datetime.datetime(2026, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- p1: timestamp datetime.datetime(2026, 1, 2, 0, 0, tzinfo=datetime.timezone.utc)
-- group_rows: integer 5001
