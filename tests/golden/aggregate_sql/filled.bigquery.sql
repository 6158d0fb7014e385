SELECT `g0`, `g1`, `m0`
FROM (
SELECT `g0`, `g1`, COUNT(*) AS `m0`
FROM (
SELECT *, TIMESTAMP_TRUNC(`_0`, HOUR) AS `g0`, `_1` AS `g1`
FROM (
SELECT `placed_at` AS `_0`, `currency` AS `_1`
FROM (
  SELECT `placed_at`, `currency`
  FROM `some-project`.`sales_dataset`.`orders`
  WHERE `placed_at` >= @p0 AND `placed_at` < @p1
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `_ingest_time`, `_message_id`) = 1
)
)
)
GROUP BY `g0`, `g1`
)
ORDER BY `g1` ASC NULLS FIRST, `g0` ASC NULLS FIRST
LIMIT @group_rows;

-- p0: timestamp datetime.datetime(2026, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- p1: timestamp datetime.datetime(2026, 1, 2, 0, 0, tzinfo=datetime.timezone.utc)
-- group_rows: integer 5001
