SELECT "m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"
FROM (
SELECT COUNT("_0") AS "m0", COUNT(DISTINCT "_0") AS "m1", COUNT(DISTINCT "_0") AS "m2", SUM("_0") AS "m3", AVG("_0") AS "m4", MIN("_0") AS "m5", MAX("_0") AS "m6", quantile_disc("_0", 0.95) AS "m7"
FROM (
SELECT "customer_id" AS "_0"
FROM "sales_dataset"."orders"
)
)
LIMIT $group_rows;

-- group_rows: integer 101
