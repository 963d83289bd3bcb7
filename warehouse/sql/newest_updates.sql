-- The newest state of knowledge of some workflows, by file: one row a file of `executions` that holds any of them
-- (filename, updated_at). Parameters: $workflow_ids (list of text).
SELECT filename, max(updated_at) AS updated_at
FROM executions
WHERE list_contains($workflow_ids, workflow_id)
GROUP BY filename
ORDER BY filename;
