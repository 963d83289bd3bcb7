-- A page of executions as n8n asks for it, newest first, as JSON: `results`.
-- %(statuses)s: n8n's words, NULL: all; %(before_id)s: the last id of the page before; %(limit)s: rows.
SELECT coalesce(json_agg(found), '[]')::TEXT
FROM (
    SELECT
        e.id, e.mode, e.status, e."retryOf", e."retrySuccessId", e."createdAt", e."startedAt", e."stoppedAt",
        e."workflowId", e."waitTill", w.name AS "workflowName"
    FROM execution_entity AS e
    LEFT JOIN workflow_entity AS w ON w.id = e."workflowId"
    WHERE
        e."deletedAt" IS NULL
        AND (%(statuses)s::TEXT[] IS NULL OR e.status = ANY(%(statuses)s::TEXT[]))
        AND e.id < %(before_id)s
    ORDER BY e.id DESC
    LIMIT %(limit)s
) AS found
