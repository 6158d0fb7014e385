SELECT `id` AS `_0`, `timestamp` AS `_1`, `data` AS `_2`, `id` AS `_3`
FROM (
  SELECT `id`, `timestamp`, `data`
  FROM `some-project`.`analytics_dataset`.`analytics_table`
  WHERE `id` = @p0
  QUALIFY ROW_NUMBER() OVER (PARTITION BY `id` ORDER BY `_ingest_time`, `_message_id`) = 1
)
LIMIT @page_rows;

-- p0: string 'evt-000001'
-- page_rows: integer 2
