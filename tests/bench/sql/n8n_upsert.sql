-- Executions into the table, the newest state of each id; %(body)s: a JSON array of rows.
INSERT INTO execution_entity AS e (
    id, finished, mode, status, "createdAt", "startedAt", "stoppedAt", "workflowId", "jsonSizeBytes"
)
SELECT id, finished, mode, status, "createdAt", "startedAt", "stoppedAt", "workflowId", "jsonSizeBytes"
FROM json_to_recordset(%(body)s::JSON) AS given (
    id INTEGER, finished BOOLEAN, mode VARCHAR, status VARCHAR, "createdAt" TIMESTAMPTZ, "startedAt" TIMESTAMPTZ,
    "stoppedAt" TIMESTAMPTZ, "workflowId" VARCHAR, "jsonSizeBytes" BIGINT
)
ON CONFLICT (id) DO UPDATE SET
    finished = excluded.finished,
    status = excluded.status,
    "startedAt" = excluded."startedAt",
    "stoppedAt" = excluded."stoppedAt",
    "jsonSizeBytes" = excluded."jsonSizeBytes"
