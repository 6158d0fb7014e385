SELECT "m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"
FROM (
SELECT COUNT("_0") AS "m0", COUNT(DISTINCT "_0") AS "m1", COUNT(DISTINCT "_0") AS "m2", SUM("_0") AS "m3", CAST(CASE WHEN CAST(replace(CAST(SUM("_0") AS VARCHAR), '.', '') AS HUGEINT) < 0 THEN -((abs(CAST(replace(CAST(SUM("_0") AS VARCHAR), '.', '') AS HUGEINT)) + COUNT("_0") // 2) // COUNT("_0")) ELSE (abs(CAST(replace(CAST(SUM("_0") AS VARCHAR), '.', '') AS HUGEINT)) + COUNT("_0") // 2) // COUNT("_0") END AS DECIMAL(38,0)) * 0.000000001 AS "m4", MIN("_0") AS "m5", MAX("_0") AS "m6", quantile_disc("_0", 0.95) AS "m7"
FROM (
SELECT "total" AS "_0"
FROM "sales_dataset"."orders"
)
)
LIMIT $group_rows;

-- group_rows: integer 101
