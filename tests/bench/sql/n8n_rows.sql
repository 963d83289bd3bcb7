-- The view `executions` in the shape of n8n's table execution_entity (see tests/bench/sql/n8n_schema.sql); one row is one
-- execution, in the order of `id`, which counts from 1 in the order in which the executions were begun, as n8n's does.
--
-- runlake_id: the execution's id in the lake. n8n has no timeout: it is a cancelled one, and only the run data say more.
SELECT
    row_number() OVER (ORDER BY coalesce(started_at, created_at), id) AS id,
    status = 'success' AS finished,
    CASE mode WHEN 'scheduled' THEN 'trigger' ELSE mode END AS mode,
    CASE status
        WHEN 'queued' THEN 'new'
        WHEN 'failed' THEN 'error'
        WHEN 'cancelled' THEN 'canceled'
        WHEN 'timeout' THEN 'canceled'
        ELSE status
    END AS status,
    created_at AS "createdAt",
    started_at AS "startedAt",
    stopped_at AS "stoppedAt",
    workflow_id AS "workflowId",
    coalesce(data_bytes, 0) AS "jsonSizeBytes",
    id AS runlake_id,
    workflow_name
FROM executions
ORDER BY 1
