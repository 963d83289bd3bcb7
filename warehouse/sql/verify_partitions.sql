-- An execution lies in the partition of the UTC date of its start, else of its creation.
-- One row where there is a fault: table, message, an example (id), rows.
SELECT
    'executions' AS "table",
    'date is not the UTC date of coalesce(started_at, created_at)' AS message,
    min(id) AS example,
    count(*) AS rows
FROM executions
WHERE date IS DISTINCT FROM CAST(timezone('UTC', placed_at(started_at, created_at)) AS DATE)
HAVING count(*) > 0
ORDER BY "table"
