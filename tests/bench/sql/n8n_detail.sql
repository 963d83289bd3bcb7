-- One execution by its id, as JSON. %(id)s: the id.
SELECT row_to_json(found)::TEXT
FROM (
    SELECT
        e.id, e.finished, e.mode, e.status, e."retryOf", e."retrySuccessId", e."createdAt", e."startedAt",
        e."stoppedAt", e."workflowId", e."waitTill", e."jsonSizeBytes", w.name AS "workflowName"
    FROM execution_entity AS e
    LEFT JOIN workflow_entity AS w ON w.id = e."workflowId"
    WHERE e.id = %(id)s AND e."deletedAt" IS NULL
) AS found
