-- How many executions an export writes of the view `chosen_executions`: one row, one number.
-- Parameters: those of matching_executions (filters.sql); $after_at, $after_id: only executions after these in the
-- order of the export, NULL: all.
SELECT count(*) AS executions
FROM matching_executions(
    $since, $until, $workflow_ids, $statuses, $modes, $error_types, $fingerprint, $min_duration_s,
    $retry_of, $error_text
)
WHERE $after_at IS NULL
    OR placed_at(started_at, created_at) > $after_at::TIMESTAMPTZ
    OR (placed_at(started_at, created_at) = $after_at::TIMESTAMPTZ AND id > $after_id)
