SELECT `m0`, `m1`, `m2`, `m3`, `m4`, `m5`, `m6`, `m7`
FROM (
SELECT COUNT(`_0`) AS `m0`, COUNT(DISTINCT `_0`) AS `m1`, APPROX_COUNT_DISTINCT(`_0`) AS `m2`, SUM(`_0`) AS `m3`, AVG(`_0`) AS `m4`, MIN(`_0`) AS `m5`, MAX(`_0`) AS `m6`, APPROX_QUANTILES(IF(IS_NAN(`_0`), NULL, `_0`), 100)[OFFSET(95)] AS `m7`
FROM (
SELECT `weight_kg` AS `_0`
FROM (
  SELECT `weight_kg`
  FROM `some-project`.`sales_dataset`.`orders`
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `_ingest_time`, `_message_id`) = 1
)
)
)
LIMIT @group_rows;

-- group_rows: integer 101
