SELECT "order_id" AS "_0", "placed_at" AS "_1", "customer_id" AS "_2", "total" AS "_3", "currency" AS "_4", "weight_kg" AS "_5", "paid" AS "_6", "deliver_on" AS "_7", "shipping" AS "_8", "items" AS "_9", "tags" AS "_10", "context" AS "_11", "order_id" AS "_12"
FROM "sales_dataset"."orders"
WHERE coalesce(list_contains(["_e" = $p0 FOR "_e" IN "tags"], TRUE), FALSE) AND coalesce(list_contains([list_contains($p1, "_e") FOR "_e" IN "tags"], TRUE), FALSE) AND coalesce(list_contains(["_e"."sku" = $p2 FOR "_e" IN "items"], TRUE), FALSE) AND coalesce(list_contains([list_contains($p3, "_e"."quantity") FOR "_e" IN "items"], TRUE), FALSE) AND "shipping"."city" = $p4 AND ("shipping"."latitude" > $p5 AND NOT isnan("shipping"."latitude")) AND (CASE WHEN json_type("context", '$.channel') NOT IN ('OBJECT', 'ARRAY') THEN json_extract_string("context", '$.channel') END) = $p6 AND (CASE WHEN json_type("context", '$.channel') NOT IN ('OBJECT', 'ARRAY') THEN json_extract_string("context", '$.channel') END) IS NULL
ORDER BY "order_id" ASC NULLS FIRST
LIMIT $page_rows;

-- p0: string 'gift'
-- p1: array of string ('gift', 'vip')
-- p2: string 'SKU-1'
-- p3: array of integer (1, 2)
-- p4: string 'Madrid'
-- p5: number 40.0
-- p6: string 'web'
-- page_rows: integer 101
