-- What hangs on an execution lies in the partition of an execution that is there.
-- One row a table with a fault: table, message, an example (execution id), rows.
WITH details AS (
    SELECT 'node_runs' AS "table", execution_id, date FROM node_runs
    UNION ALL
    SELECT 'payloads', execution_id, date FROM payloads
    UNION ALL
    SELECT 'logs', execution_id, date FROM logs
)
SELECT
    details."table",
    'rows without an execution in the same partition' AS message,
    min(details.execution_id) AS example,
    count(*) AS rows
FROM details
ANTI JOIN executions ON executions.id = details.execution_id AND executions.date = details.date
GROUP BY details."table"
ORDER BY details."table"
