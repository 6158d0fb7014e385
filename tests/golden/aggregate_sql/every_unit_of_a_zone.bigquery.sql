SELECT `g0`, `g1`, `g2`, `g3`, `g4`, `m0`
FROM (
SELECT `g0`, `g1`, `g2`, `g3`, `g4`, COUNT(*) AS `m0`
FROM (
SELECT *, TIMESTAMP_TRUNC(`_0`, HOUR, @timezone) AS `g0`, DATE(`_0`, @timezone) AS `g1`, DATE_SUB(DATE(`_0`, @timezone), INTERVAL MOD(EXTRACT(DAYOFWEEK FROM DATE(`_0`, @timezone)) + 6, 7) DAY) AS `g2`, CAST(DATE_TRUNC(DATE(`_0`, @timezone), QUARTER) AS DATE) AS `g3`, CAST(DATE_TRUNC(DATE(`_0`, @timezone), YEAR) AS DATE) AS `g4`
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
GROUP BY `g0`, `g1`, `g2`, `g3`, `g4`
)
ORDER BY `g0` ASC NULLS FIRST, `g1` ASC NULLS FIRST, `g2` ASC NULLS FIRST, `g3` ASC NULLS FIRST, `g4` ASC NULLS FIRST
LIMIT @group_rows;

-- timezone: string 'Asia/Kolkata'
-- group_rows: integer 101
