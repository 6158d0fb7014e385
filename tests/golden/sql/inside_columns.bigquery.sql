SELECT `order_id` AS `_0`, `placed_at` AS `_1`, `customer_id` AS `_2`, `total` AS `_3`, `currency` AS `_4`, `weight_kg` AS `_5`, `paid` AS `_6`, `deliver_on` AS `_7`, `shipping` AS `_8`, `items` AS `_9`, `tags` AS `_10`, IF(`context` IS NULL, NULL, TO_JSON_STRING(`context`)) AS `_11`, `order_id` AS `_12`
FROM (
  SELECT `order_id`, `placed_at`, `customer_id`, `total`, `currency`, `weight_kg`, `paid`, `deliver_on`, `shipping`, `items`, `tags`, `context`
  FROM `some-project`.`sales_dataset`.`orders`
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `_ingest_time`, `_message_id`) = 1
)
WHERE EXISTS (SELECT 1 FROM UNNEST(`tags`) AS `_e` WHERE `_e` = @p0) AND EXISTS (SELECT 1 FROM UNNEST(`tags`) AS `_e` WHERE `_e` IN UNNEST(@p1)) AND EXISTS (SELECT 1 FROM UNNEST(`items`) AS `_e` WHERE `_e`.`sku` = @p2) AND EXISTS (SELECT 1 FROM UNNEST(`items`) AS `_e` WHERE `_e`.`quantity` IN UNNEST(@p3)) AND `shipping`.`city` = @p4 AND `shipping`.`latitude` > @p5 AND JSON_VALUE(`context`, '$.channel') = @p6 AND JSON_VALUE(`context`, '$.channel') IS NULL
ORDER BY `order_id` ASC NULLS FIRST
LIMIT @page_rows;

-- p0: string 'gift'
-- p1: array of string ('gift', 'vip')
-- p2: string 'SKU-1'
-- p3: array of integer (1, 2)
-- p4: string 'Madrid'
-- p5: number 40.0
-- p6: string 'web'
-- page_rows: integer 101
