SELECT "total" AS "_0", "deliver_on" AS "_1", "weight_kg" AS "_2", "order_id" AS "_3"
FROM "sales_dataset"."orders"
WHERE (("deliver_on" >= $p0 OR "deliver_on" IS NULL) AND (("deliver_on" > $p0 OR "deliver_on" IS NULL) OR (("weight_kg" <= $p1 OR isnan("weight_kg")) AND (("weight_kg" < $p1 OR isnan("weight_kg")) OR "order_id" > $p2))))
ORDER BY "deliver_on" ASC NULLS LAST, isnan("weight_kg") ASC NULLS FIRST, "weight_kg" DESC NULLS FIRST, "order_id" ASC NULLS FIRST
LIMIT $page_rows;

-- p0: date datetime.date(2026, 1, 31)
-- p1: number 2.5
-- p2: string 'ord-1'
-- page_rows: integer 101
