SELECT `data` AS `_0`
FROM (
  SELECT `data`, `timestamp`, `id`
  FROM `some-project`.`analytics_dataset`.`analytics_table`
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `id` ORDER BY `_ingest_time`, `_message_id`) = 1
)
ORDER BY `timestamp` DESC NULLS LAST, `id` ASC NULLS FIRST
