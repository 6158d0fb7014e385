SELECT "order_id" AS "_0", "placed_at" AS "_1", "customer_id" AS "_2", "total" AS "_3", "currency" AS "_4", "weight_kg" AS "_5", "paid" AS "_6", "deliver_on" AS "_7", "shipping" AS "_8", "items" AS "_9", "tags" AS "_10", "context" AS "_11", "order_id" AS "_12"
FROM (SELECT * FROM "sales_dataset"."orders" WHERE "order_id" = ANY($p0))
WHERE "currency" = $p1 AND "paid" != $p2 AND "total" < $p3 AND "weight_kg" <= $p4 AND "customer_id" > $p5 AND "deliver_on" >= $p6 AND "customer_id" = ANY($p7)
ORDER BY "order_id" ASC NULLS FIRST
LIMIT $page_rows;

-- p0: array of string ('ord-1', 'ord-2')
-- p1: string 'EUR'
-- p2: boolean False
-- p3: decimal Decimal('10.5')
-- p4: number 2.5
-- p5: integer 7
-- p6: date datetime.date(2026, 1, 31)
-- p7: array of integer (1, 2, 3)
-- page_rows: integer 101
