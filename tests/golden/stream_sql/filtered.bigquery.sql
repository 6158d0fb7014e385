SELECT `total` AS `_0`
FROM (
  SELECT `total`, `placed_at`, `currency`
  FROM `some-project`.`sales_dataset`.`orders`
  WHERE `placed_at` >= @p0
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `_ingest_time`, `_message_id`) = 1
)
WHERE `currency` IN UNNEST(@p1)
-- p0: timestamp = datetime.datetime(2026, 11, 25, 12, 0, tzinfo=datetime.timezone.utc)
-- p1: string = ('EUR', 'USD')
