-- The values that the contract allows. One row a fault: table, message, an example (id), rows.
WITH faults AS (
    SELECT 'executions' AS "table", id AS example, 'status is none of the contract''s' AS message
    FROM executions
    WHERE status NOT IN ('queued', 'running', 'success', 'failed', 'cancelled', 'timeout')
    UNION ALL
    SELECT 'executions', id, 'mode is none of the contract''s'
    FROM executions
    WHERE mode NOT IN ('manual', 'trigger', 'webhook', 'scheduled', 'retry')
    UNION ALL
    SELECT 'executions', id, 'duration_s is negative or not finite'
    FROM executions
    WHERE duration_s < 0 OR isnan(duration_s) OR isinf(duration_s)
    UNION ALL
    SELECT 'executions', id, 'it stopped before it started'
    FROM executions
    WHERE stopped_at < started_at
    UNION ALL
    SELECT 'executions', id, 'an unfinished execution has a duration'
    FROM executions
    WHERE status IN ('queued', 'running') AND duration_s IS NOT NULL
    UNION ALL
    SELECT 'node_runs', execution_id, 'status is none of the contract''s'
    FROM node_runs
    WHERE status NOT IN ('queued', 'running', 'success', 'failed', 'cancelled', 'timeout')
)
SELECT "table", message, min(example) AS example, count(*) AS rows
FROM faults
GROUP BY "table", message
ORDER BY "table", message
