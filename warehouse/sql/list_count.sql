-- How many executions match, by file: one row a file of `chosen_executions` in which any does (filename, executions).
-- Parameters: $since, $until (TIMESTAMPTZ, half-open over the instant that places an execution, NULL: unbounded) and
-- the conditions of the macro is_wanted.
SELECT filename, count(*) AS executions
FROM chosen_executions
WHERE ($since IS NULL OR placed_at(started_at, created_at) >= $since)
    AND ($until IS NULL OR placed_at(started_at, created_at) < $until)
    AND is_wanted(
        $workflow_ids, $statuses, $modes, $error_types, $fingerprint, $min_duration_s, $retry_of, $error_text,
        workflow_id, status, mode, error_type, error_fingerprint, duration_s, retry_of, error_message
    )
GROUP BY filename
ORDER BY filename
