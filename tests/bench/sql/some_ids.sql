-- $ids ids of the view `executions`, spread over it, always the same ones; one row is one id.
SELECT id
FROM executions
ORDER BY hash(id), id
LIMIT $ids
