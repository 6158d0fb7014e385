SELECT "total" AS "_0", "weight_kg" AS "_1", "order_id" AS "_2"
FROM "sales_dataset"."orders"
WHERE ("weight_kg" IS NOT NULL OR "order_id" > $p0)
ORDER BY isnan("weight_kg") DESC NULLS FIRST, "weight_kg" ASC NULLS FIRST, "order_id" ASC NULLS FIRST
LIMIT $page_rows;

-- p0: string 'ord-1'
-- page_rows: integer 101
