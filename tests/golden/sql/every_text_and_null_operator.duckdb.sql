SELECT "order_id" AS "_0", "placed_at" AS "_1", "customer_id" AS "_2", "total" AS "_3", "currency" AS "_4", "weight_kg" AS "_5", "paid" AS "_6", "deliver_on" AS "_7", "shipping" AS "_8", "items" AS "_9", "tags" AS "_10", "context" AS "_11", "order_id" AS "_12"
FROM "sales_dataset"."orders"
WHERE starts_with("currency", $p0) AND contains("currency", $p1) AND contains(lower("currency"), lower($p2)) AND regexp_full_match("currency", $p3) AND NOT ("currency" = ANY($p4)) AND "currency" IS NOT DISTINCT FROM $p5 AND "deliver_on" IS DISTINCT FROM $p6 AND "weight_kg" IS NULL AND ("weight_kg" >= $p7 AND NOT isnan("weight_kg")) AND "shipping" IS NOT NULL AND regexp_full_match("shipping"."street", $p8)
ORDER BY "order_id" ASC NULLS FIRST
LIMIT $page_rows;

-- p0: string 'E'
-- p1: string 'U'
-- p2: string 'r'
-- p3: string '(?s:E.R%)'
-- p4: array of string ('USD',)
-- p5: string 'EUR'
-- p6: date datetime.date(2026, 1, 31)
-- p7: number 1.5
-- p8: string '(?s:.*)(?:^[A-Z])(?s:.*)'
-- page_rows: integer 101
