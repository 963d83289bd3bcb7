-- Keys of executions by the instant that places them, newest first.
-- One row is one execution: sort_value, id, date; at most $rows_wanted of them.
--
-- Parameters: those of matching_executions (filters.sql); $has_after: only what comes after the key
-- ($after_value, $after_id) in this order.
SELECT placed_at(started_at, created_at) AS sort_value, id, date
FROM matching_executions(
    $since, $until, $workflow_ids, $statuses, $modes, $error_types, $fingerprint, $min_duration_s,
    $retry_of, $error_text
)
WHERE NOT $has_after
    OR placed_at(started_at, created_at) < $after_value::TIMESTAMPTZ
    OR (placed_at(started_at, created_at) = $after_value::TIMESTAMPTZ AND id < $after_id)
ORDER BY sort_value DESC, id DESC
LIMIT $rows_wanted
