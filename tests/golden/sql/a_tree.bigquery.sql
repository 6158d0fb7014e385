SELECT `order_id` AS `_0`, `placed_at` AS `_1`, `customer_id` AS `_2`, `total` AS `_3`, `currency` AS `_4`, `weight_kg` AS `_5`, `paid` AS `_6`, `deliver_on` AS `_7`, `shipping` AS `_8`, `items` AS `_9`, `tags` AS `_10`, IF(`context` IS NULL, NULL, TO_JSON_STRING(`context`)) AS `_11`, `order_id` AS `_12`
FROM (
  SELECT `order_id`, `placed_at`, `customer_id`, `total`, `currency`, `weight_kg`, `paid`, `deliver_on`, `shipping`, `items`, `tags`, `context`
  FROM `some-project`.`sales_dataset`.`orders`
  WHERE (`placed_at` < @p0 OR `order_id` = @p1) AND `placed_at` >= @p2
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `_ingest_time`, `_message_id`) = 1
)
WHERE (NOT (`currency` = @p3) OR (`paid` = @p4 AND EXISTS (SELECT 1 FROM UNNEST(`tags`) AS `_e` WHERE `_e` = @p5)))
ORDER BY `order_id` ASC NULLS FIRST
LIMIT @page_rows;

-- p0: timestamp datetime.datetime(2026, 11, 25, 12, 0, tzinfo=datetime.timezone.utc)
-- p1: string 'ord-1'
-- p2: timestamp datetime.datetime(2025, 11, 25, 12, 0, tzinfo=datetime.timezone.utc)
-- p3: string 'EUR'
-- p4: boolean True
-- p5: string 'gift'
-- page_rows: integer 101
