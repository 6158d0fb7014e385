SELECT `total` AS `_0`, `deliver_on` AS `_1`, `weight_kg` AS `_2`, `order_id` AS `_3`
FROM (
  SELECT `total`, `deliver_on`, `weight_kg`, `order_id`
  FROM `some-project`.`sales_dataset`.`orders`
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `_ingest_time`, `_message_id`) = 1
)
WHERE ((`deliver_on` >= @p0 OR `deliver_on` IS NULL) AND ((`deliver_on` > @p0 OR `deliver_on` IS NULL) OR ((`weight_kg` <= @p1 OR IS_NAN(`weight_kg`)) AND ((`weight_kg` < @p1 OR IS_NAN(`weight_kg`)) OR `order_id` > @p2))))
ORDER BY `deliver_on` ASC NULLS LAST, `weight_kg` DESC NULLS FIRST, `order_id` ASC NULLS FIRST
LIMIT @page_rows;

-- p0: date datetime.date(2026, 1, 31)
-- p1: number 2.5
-- p2: string 'ord-1'
-- page_rows: integer 101
