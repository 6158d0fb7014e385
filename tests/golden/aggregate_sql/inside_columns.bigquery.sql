SELECT `g0`, `g1`, `m0`, `m1`
FROM (
SELECT `g0`, `g1`, AVG(`_0`.`latitude`) AS `m0`, COUNT(`_0`) AS `m1`
FROM (
SELECT *, `_0`.`city` AS `g0`, JSON_VALUE(`_1`, '$.channel') AS `g1`
FROM (
SELECT `shipping` AS `_0`, IF(`context` IS NULL, NULL, TO_JSON_STRING(`context`)) AS `_1`
FROM (
  SELECT `shipping`, `context`
  FROM `some-project`.`sales_dataset`.`orders`
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `_ingest_time`, `_message_id`) = 1
)
)
)
GROUP BY `g0`, `g1`
)
ORDER BY `m1` DESC NULLS LAST, `g0` ASC NULLS FIRST, `g1` ASC NULLS FIRST
LIMIT @group_rows;

-- group_rows: integer 101
