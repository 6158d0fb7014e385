SELECT `id` AS `_0`, `timestamp` AS `_1`, `data` AS `_2`
FROM (
  SELECT `id`, `timestamp`, `data`
  FROM `some-project`.`analytics_dataset`.`analytics_table`
  WHERE TRUE
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `id` ORDER BY `_ingest_time`, `_message_id`) = 1
)
