SELECT "g0", "g1", "g2", "g3", "g4", "m0"
FROM (
SELECT "g0", "g1", "g2", "g3", "g4", COUNT(*) AS "m0"
FROM (
SELECT *, date_trunc('hour', timezone($timezone, timezone('UTC', "_0"))) - (timezone($timezone, timezone('UTC', "_0")) - "_0") AS "g0", CAST(timezone($timezone, timezone('UTC', "_0")) AS DATE) AS "g1", CAST(timezone($timezone, timezone('UTC', "_0")) AS DATE) - CAST(isodow(CAST(timezone($timezone, timezone('UTC', "_0")) AS DATE)) % 7 AS INTEGER) AS "g2", CAST(date_trunc('quarter', CAST(timezone($timezone, timezone('UTC', "_0")) AS DATE)) AS DATE) AS "g3", CAST(date_trunc('year', CAST(timezone($timezone, timezone('UTC', "_0")) AS DATE)) AS DATE) AS "g4"
FROM (
SELECT "placed_at" AS "_0"
FROM "sales_dataset"."orders"
)
)
GROUP BY "g0", "g1", "g2", "g3", "g4"
)
ORDER BY "g0" ASC NULLS FIRST, "g1" ASC NULLS FIRST, "g2" ASC NULLS FIRST, "g3" ASC NULLS FIRST, "g4" ASC NULLS FIRST
LIMIT $group_rows;

-- timezone: string 'Asia/Kolkata'
-- group_rows: integer 101
