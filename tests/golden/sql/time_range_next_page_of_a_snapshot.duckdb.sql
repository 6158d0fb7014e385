SELECT "id" AS "_0", "timestamp" AS "_1", "data" AS "_2", "timestamp" AS "_3", "id" AS "_4"
FROM (SELECT * FROM (SELECT * FROM "analytics_dataset"."analytics_table" WHERE rowid < $snapshot_rows) WHERE "timestamp" >= $p0)
WHERE ("timestamp" <= $p1 AND ("timestamp" < $p1 OR "id" > $p2))
ORDER BY "timestamp" DESC NULLS LAST, "id" ASC NULLS FIRST
LIMIT $page_rows;

-- p0: timestamp datetime.datetime(2026, 11, 25, 12, 0, tzinfo=datetime.timezone.utc)
-- p1: timestamp datetime.datetime(2026, 11, 26, 12, 0, tzinfo=datetime.timezone.utc)
-- p2: string 'evt-7'
-- snapshot_rows: integer 1000
-- page_rows: integer 101
