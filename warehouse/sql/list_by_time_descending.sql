-- Keys of executions by the instant that places them, newest first.
-- One row is one execution: sort_value, id, date; at most $rows_wanted of them.
--
-- View: chosen_executions. Parameters: $since, $until (TIMESTAMPTZ, half-open over the instant that places an
-- execution, NULL: unbounded), the conditions of the macro is_wanted;
-- $has_after: only what comes after the key
-- ($after_value, $after_id) in this order.
SELECT placed_at(started_at, created_at) AS sort_value, id, date
FROM chosen_executions
WHERE ($since IS NULL OR placed_at(started_at, created_at) >= $since)
    AND ($until IS NULL OR placed_at(started_at, created_at) < $until)
    AND is_wanted(
        $workflow_ids, $statuses, $modes, $error_types, $fingerprint, $min_duration_s, $retry_of, $error_text,
        workflow_id, status, mode, error_type, error_fingerprint, duration_s, retry_of, error_message
    )
    AND (
        NOT $has_after
        OR placed_at(started_at, created_at) < $after_value::TIMESTAMPTZ
        OR (placed_at(started_at, created_at) = $after_value::TIMESTAMPTZ AND id < $after_id)
    )
ORDER BY sort_value DESC, id DESC
LIMIT $rows_wanted
