SELECT "g0", "m0"
FROM (
SELECT "g0", COUNT(*) AS "m0"
FROM (
SELECT *, CAST(timezone($timezone, timezone('UTC', "_0")) AS DATE) AS "g0"
FROM (
SELECT "timestamp" AS "_0"
FROM (SELECT * FROM "analytics_dataset"."analytics_table" WHERE "timestamp" >= $p0)
)
)
GROUP BY "g0"
)
ORDER BY "g0" ASC NULLS FIRST
LIMIT $group_rows;

-- p0: timestamp datetime.datetime(2026, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- timezone: string 'Europe/Madrid'
-- group_rows: integer 101
