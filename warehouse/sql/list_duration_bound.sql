-- The duration (seconds) with $rows_before others before it in the order of the list: one row, or none when there are
-- not so many durations. It is found from the durations alone, so that the ids of few rows need to be read.
--
-- View: chosen_executions. Parameters: $since, $until (TIMESTAMPTZ, half-open over the instant that places an
-- execution, NULL: unbounded), the conditions of the macro is_wanted;
-- $sign: 1 shortest first, -1 longest first;
-- $after_value: only durations beyond it in that order, NULL: all.
SELECT duration_s
FROM chosen_executions
WHERE ($since IS NULL OR placed_at(started_at, created_at) >= $since)
    AND ($until IS NULL OR placed_at(started_at, created_at) < $until)
    AND is_wanted(
        $workflow_ids, $statuses, $modes, $error_types, $fingerprint, $min_duration_s, $retry_of, $error_text,
        workflow_id, status, mode, error_type, error_fingerprint, duration_s, retry_of, error_message
    )
    AND duration_s IS NOT NULL AND ($after_value IS NULL OR $sign * duration_s > $sign * $after_value::DOUBLE)
ORDER BY $sign * duration_s
LIMIT 1 OFFSET $rows_before
