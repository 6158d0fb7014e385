SELECT `order_id` AS `_0`, `placed_at` AS `_1`, `customer_id` AS `_2`, `total` AS `_3`, `currency` AS `_4`, `weight_kg` AS `_5`, `paid` AS `_6`, `deliver_on` AS `_7`, `shipping` AS `_8`, `items` AS `_9`, `tags` AS `_10`, IF(`context` IS NULL, NULL, TO_JSON_STRING(`context`)) AS `_11`, `order_id` AS `_12`
FROM (
  SELECT `order_id`, `placed_at`, `customer_id`, `total`, `currency`, `weight_kg`, `paid`, `deliver_on`, `shipping`, `items`, `tags`, `context`
  FROM `some-project`.`sales_dataset`.`orders`
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `_ingest_time`, `_message_id`) = 1
)
WHERE STARTS_WITH(`currency`, @p0) AND STRPOS(`currency`, @p1) > 0 AND STRPOS(LOWER(`currency`), LOWER(@p2)) > 0 AND `currency` LIKE @p3 AND NOT (`currency` IN UNNEST(@p4)) AND `currency` IS NOT DISTINCT FROM @p5 AND `deliver_on` IS DISTINCT FROM @p6 AND `weight_kg` IS NULL AND `weight_kg` >= @p7 AND `shipping` IS NOT NULL AND REGEXP_CONTAINS(`shipping`.`street`, @p8)
ORDER BY `order_id` ASC NULLS FIRST
LIMIT @page_rows;

-- p0: string 'E'
-- p1: string 'U'
-- p2: string 'r'
-- p3: string 'E_R\\%'
-- p4: array of string ('USD',)
-- p5: string 'EUR'
-- p6: date datetime.date(2026, 1, 31)
-- p7: number 1.5
-- p8: string '^[A-Z]'
-- page_rows: integer 101
