SELECT `m0`
FROM (
SELECT COUNT(*) AS `m0`
FROM (
SELECT `id` AS `_0`
FROM (
  SELECT `id`
  FROM `some-project`.`analytics_dataset`.`analytics_table`
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `id` ORDER BY `_ingest_time`, `_message_id`) = 1
)
)
)
LIMIT @group_rows;

-- group_rows: integer 101
