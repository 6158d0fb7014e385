SELECT `total` AS `_0`, `weight_kg` AS `_1`, `order_id` AS `_2`
FROM (
  SELECT `total`, `weight_kg`, `order_id`
  FROM `some-project`.`sales_dataset`.`orders`
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `_ingest_time`, `_message_id`) = 1
)
WHERE (`weight_kg` IS NOT NULL OR `order_id` > @p0)
ORDER BY `weight_kg` ASC NULLS FIRST, `order_id` ASC NULLS FIRST
LIMIT @page_rows;

-- p0: string 'ord-1'
-- page_rows: integer 101
