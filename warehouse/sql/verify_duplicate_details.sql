-- A node run, a payload and a log line occur once. One row a table with a fault: table, message, an example, rows.
WITH copies AS (
    SELECT 'node_runs' AS "table", execution_id, count(*) AS copies
    FROM node_runs
    GROUP BY execution_id, node_id, run_index
    HAVING count(*) > 1
    UNION ALL
    SELECT 'payloads', execution_id, count(*)
    FROM payloads
    GROUP BY execution_id, node_id, run_index, kind
    HAVING count(*) > 1
    UNION ALL
    SELECT 'logs', execution_id, count(*)
    FROM logs
    GROUP BY execution_id, logged_at, seq
    HAVING count(*) > 1
)
SELECT "table", 'the same key occurs more than once' AS message, min(execution_id) AS example, sum(copies)::BIGINT AS rows
FROM copies
GROUP BY "table"
ORDER BY "table"
