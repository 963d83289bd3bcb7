-- How many executions match: one row, one number. Parameters: those of matching_executions (filters.sql).
SELECT count(*) AS executions
FROM matching_executions(
    $since, $until, $workflow_ids, $statuses, $modes, $error_types, $fingerprint, $min_duration_s,
    $retry_of, $error_text
)
