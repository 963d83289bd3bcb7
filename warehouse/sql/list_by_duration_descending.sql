-- Keys of executions by duration (seconds), longest first, those without one last.
-- One row is one execution: sort_value, id, date; at most $rows_wanted of them.
--
-- View: chosen_executions. Parameters: $since, $until (TIMESTAMPTZ, half-open over the instant that places an
-- execution, NULL: unbounded), the conditions of the macro is_wanted;
-- $has_after: only what comes after the key
-- ($after_value, $after_id) in this order; $bound: a duration that is known to lie at the end of the page or beyond,
-- NULL: none.
SELECT duration_s AS sort_value, id, date
FROM chosen_executions
WHERE ($since IS NULL OR placed_at(started_at, created_at) >= $since)
    AND ($until IS NULL OR placed_at(started_at, created_at) < $until)
    AND is_wanted(
        $workflow_ids, $statuses, $modes, $error_types, $fingerprint, $min_duration_s, $retry_of, $error_text,
        workflow_id, status, mode, error_type, error_fingerprint, duration_s, retry_of, error_message
    )
    AND ($bound IS NULL OR duration_s >= $bound)
    AND (
        NOT $has_after
        OR duration_s < $after_value::DOUBLE
        OR (duration_s = $after_value::DOUBLE AND id < $after_id)
        OR (duration_s IS NULL AND ($after_value IS NOT NULL OR id < $after_id))
    )
ORDER BY sort_value DESC NULLS LAST, id DESC
LIMIT $rows_wanted
