SELECT "g0", "g1", "m0", "m1"
FROM (
SELECT "g0", "g1", AVG("_0"."latitude") AS "m0", COUNT("_0") AS "m1"
FROM (
SELECT *, "_0"."city" AS "g0", (CASE WHEN json_type("_1", '$.channel') NOT IN ('OBJECT', 'ARRAY') THEN json_extract_string("_1", '$.channel') END) AS "g1"
FROM (
SELECT "shipping" AS "_0", "context" AS "_1"
FROM "sales_dataset"."orders"
)
)
GROUP BY "g0", "g1"
)
ORDER BY "m1" DESC NULLS LAST, "g0" ASC NULLS FIRST, "g1" ASC NULLS FIRST
LIMIT $group_rows;

-- group_rows: integer 101
