SELECT `g0`, `g1`, `g2`, `g3`, `m0`
FROM (
SELECT `g0`, `g1`, `g2`, `g3`, COUNT(*) AS `m0`
FROM (
SELECT *, `_0` AS `g0`, DATE_SUB(`_0`, INTERVAL MOD(EXTRACT(DAYOFWEEK FROM `_0`) + 5, 7) DAY) AS `g1`, DATE_SUB(`_0`, INTERVAL MOD(EXTRACT(DAYOFWEEK FROM `_0`) + 6, 7) DAY) AS `g2`, CAST(DATE_TRUNC(`_0`, MONTH) AS DATE) AS `g3`
FROM (
SELECT `deliver_on` AS `_0`
FROM (
  SELECT `deliver_on`
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
