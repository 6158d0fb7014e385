SELECT "m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7"
FROM (
SELECT COUNT("_0") AS "m0", COUNT(DISTINCT "_0") AS "m1", COUNT(DISTINCT "_0") AS "m2", SUM("_0") AS "m3", AVG("_0") AS "m4", CASE WHEN bool_or(isnan("_0")) THEN CAST('NaN' AS DOUBLE) ELSE MIN("_0") END AS "m5", MAX("_0") AS "m6", quantile_disc(CASE WHEN NOT isnan("_0") THEN "_0" END, 0.95) AS "m7"
FROM (
SELECT "weight_kg" AS "_0"
FROM "sales_dataset"."orders"
)
)
LIMIT $group_rows;

-- group_rows: integer 101
