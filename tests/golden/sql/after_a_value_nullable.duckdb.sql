SELECT "total" AS "_0", "weight_kg" AS "_1", "deliver_on" AS "_2", "paid" AS "_3", "order_id" AS "_4"
FROM "sales_dataset"."orders"
WHERE (("weight_kg" <= $p0 OR isnan("weight_kg") OR "weight_kg" IS NULL) AND (("weight_kg" < $p0 OR isnan("weight_kg") OR "weight_kg" IS NULL) OR ("deliver_on" >= $p1 AND ("deliver_on" > $p1 OR ("paid" <= $p2 AND ("paid" < $p2 OR "order_id" > $p3))))))
ORDER BY isnan("weight_kg") ASC NULLS LAST, "weight_kg" DESC NULLS LAST, "deliver_on" ASC NULLS FIRST, "paid" DESC NULLS LAST, "order_id" ASC NULLS FIRST
LIMIT $page_rows;

-- p0: number 2.5
-- p1: date datetime.date(2026, 1, 31)
-- p2: boolean True
-- p3: string 'ord-1'
-- page_rows: integer 101
