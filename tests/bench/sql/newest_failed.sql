-- The $rows newest failed executions of the view `executions`, newest first; ties by id, largest first.
SELECT *
FROM executions
WHERE status = 'failed'
ORDER BY coalesce(started_at, created_at) DESC, id DESC
LIMIT $rows
