-- Ids whose incoming row is, column by column, the row that the lake holds: nothing to merge.
--
-- In:  incoming  the batch's rows (record_no and the columns of `executions`), no id twice
--      stored    the lake's rows of those ids (the columns of `executions`)
-- Out: id, sorted.
SELECT came.id
FROM (SELECT * EXCLUDE (record_no) FROM incoming) AS came
JOIN stored ON stored.id = came.id
WHERE came IS NOT DISTINCT FROM stored
ORDER BY came.id
