SELECT `m0`
FROM (
SELECT COUNT(*) AS `m0`
FROM (
SELECT `order_id` AS `_0`
FROM (
  SELECT `order_id`, `total`, `placed_at`
  FROM `some-project`.`sales_dataset`.`orders`
  WHERE `placed_at` >= @p0
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `_ingest_time`, `_message_id`) = 1
)
WHERE `total` > @p1
)
)
LIMIT @group_rows;

-- p0: timestamp datetime.datetime(2026, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
-- p1: decimal Decimal('1.500000000')
-- group_rows: integer 2
