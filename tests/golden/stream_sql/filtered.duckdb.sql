SELECT "total" AS "_0"
FROM (SELECT * FROM "sales_dataset"."orders" WHERE "placed_at" >= $p0)
WHERE "currency" = ANY($p1)
-- p0: timestamp = datetime.datetime(2026, 11, 25, 12, 0, tzinfo=datetime.timezone.utc)
-- p1: string = ('EUR', 'USD')
