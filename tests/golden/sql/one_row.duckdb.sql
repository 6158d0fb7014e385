SELECT "id" AS "_0", "timestamp" AS "_1", "data" AS "_2", "id" AS "_3"
FROM (SELECT * FROM "analytics_dataset"."analytics_table" WHERE "id" = $p0)
LIMIT $page_rows;

-- p0: string 'evt-000001'
-- page_rows: integer 2
