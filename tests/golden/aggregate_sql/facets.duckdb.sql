SELECT "f", "g0", "g1", "m0"
FROM (
SELECT "f", "g0", "g1", "m0", ROW_NUMBER() OVER (PARTITION BY "f" ORDER BY "m0" DESC NULLS LAST, "g0" ASC NULLS FIRST, "g1" ASC NULLS FIRST) AS "r"
FROM (
SELECT "f", "g0", "g1", COUNT(*) AS "m0"
FROM (
SELECT "f", CASE WHEN "f" = 0 THEN "_0" END AS "g0", CASE WHEN "f" = 1 THEN "_1"."city" END AS "g1"
FROM (
SELECT "currency" AS "_0", "shipping" AS "_1"
FROM "sales_dataset"."orders"
WHERE "total" > $p0
)
CROSS JOIN (SELECT unnest(range(2)) AS "f")
)
GROUP BY "f", "g0", "g1"
)
)
WHERE "r" <= $group_rows
ORDER BY "f", "r";

-- p0: decimal Decimal('1.000000000')
-- group_rows: integer 4
