SELECT `g0`, `m0`
FROM (
SELECT `g0`, COUNT(*) AS `m0`
FROM (
SELECT *, DATE(`_0`, @timezone) AS `g0`
FROM (
SELECT `timestamp` AS `_0`
FROM (
  SELECT `timestamp`
  FROM `some-project`.`analytics_dataset`.`analytics_table`
  WHERE `timestamp` >= @p0
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `id` ORDER BY `_ingest_time`, `_message_id`) = 1
)
)
)
GROUP BY `g0`
)
ORDER BY `g0` ASC NULLS FIRST
LIMIT @group_rows;

-- p0: timestamp datetime.datetime(2026, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- timezone: string 'Europe/Madrid'
-- group_rows: integer 101
