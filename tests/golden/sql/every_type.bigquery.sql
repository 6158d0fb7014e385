SELECT `order_id` AS `_0`, `placed_at` AS `_1`, `customer_id` AS `_2`, `total` AS `_3`, `currency` AS `_4`, `weight_kg` AS `_5`, `paid` AS `_6`, `deliver_on` AS `_7`, `shipping` AS `_8`, `items` AS `_9`, `tags` AS `_10`, IF(`context` IS NULL, NULL, TO_JSON_STRING(`context`)) AS `_11`, `_message_id` AS `_12`, `_publish_time` AS `_13`, `_ingest_time` AS `_14`, IF(`_extra` IS NULL, NULL, TO_JSON_STRING(`_extra`)) AS `_15`, `order_id` AS `_16`
FROM (
  SELECT `order_id`, `placed_at`, `customer_id`, `total`, `currency`, `weight_kg`, `paid`, `deliver_on`, `shipping`, `items`, `tags`, `context`, `_message_id`, `_publish_time`, `_ingest_time`, `_extra`
  FROM `some-project`.`sales_dataset`.`orders`
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `_ingest_time`, `_message_id`) = 1
)
ORDER BY `order_id` ASC NULLS FIRST
LIMIT @page_rows;

-- page_rows: integer 101
