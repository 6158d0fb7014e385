SELECT "total" AS "_0", "weight_kg" AS "_1", "order_id" AS "_2"
FROM "sales_dataset"."orders"
WHERE ("weight_kg" IS NULL AND "order_id" > $p0)
ORDER BY isnan("weight_kg") ASC NULLS LAST, "weight_kg" DESC NULLS LAST, "order_id" ASC NULLS FIRST
LIMIT $page_rows;

-- p0: string 'ord-1'
-- page_rows: integer 101
