SELECT `g0`, `g1`, `m0`, `m1`, `m2`, `m3`
FROM (
SELECT `g0`, `g1`, COUNT(*) AS `m0`, SUM(`_2`) AS `m1`, AVG(`_3`) AS `m2`, MAX(`_3`) AS `m3`
FROM (
SELECT *, `_0` AS `g0`, `_1` AS `g1`
FROM (
SELECT `currency` AS `_0`, `paid` AS `_1`, `total` AS `_2`, `weight_kg` AS `_3`
FROM (
  SELECT `currency`, `paid`, `total`, `weight_kg`
  FROM `some-project`.`sales_dataset`.`orders`
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `order_id` ORDER BY `_ingest_time`, `_message_id`) = 1
)
WHERE `currency` != @p0
)
)
GROUP BY `g0`, `g1`
)
WHERE `m1` >= @h0 AND `m2` > @h1 AND `m3` < @h2
ORDER BY `m2` DESC NULLS LAST, `g0` ASC NULLS FIRST, `g1` ASC NULLS FIRST
LIMIT @group_rows;

-- p0: string 'EUR'
-- h0: decimal Decimal('10.000000000')
-- h1: number 1.5
-- h2: number 9.0
-- group_rows: integer 11
