SELECT `g0`, `g1`, `g2`, `g3`, `m0`
FROM (
SELECT `g0`, `g1`, `g2`, `g3`, COUNT(*) AS `m0`
FROM (
SELECT *, TIMESTAMP_TRUNC(`_0`, MINUTE) AS `g0`, TIMESTAMP_TRUNC(`_0`, HOUR) AS `g1`, DATE(`_0`) AS `g2`, CAST(DATE_TRUNC(DATE(`_0`), MONTH) AS DATE) AS `g3`
FROM (
SELECT `placed_at` AS `_0`
FROM (
  SELECT `placed_at`
  FROM `some-project`.`sales_dataset`.`orders`
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `_ingest_time`, `_message_id`) = 1
)
)
)
GROUP BY `g0`, `g1`, `g2`, `g3`
)
ORDER BY `g0` ASC NULLS FIRST, `g1` ASC NULLS FIRST, `g2` ASC NULLS FIRST, `g3` ASC NULLS FIRST
LIMIT @group_rows;

-- group_rows: integer 101
