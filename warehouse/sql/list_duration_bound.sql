-- The duration (seconds) with $rows_before others before it in the order of the list: one row, or none when there are
-- not so many durations. It is found from the durations alone, so that the ids of few rows need to be read.
--
-- Parameters: those of matching_executions (filters.sql); $sign: 1 shortest first, -1 longest first;
-- $after_value: only durations beyond it in that order, NULL: all.
SELECT duration_s
FROM matching_executions(
    $since, $until, $workflow_ids, $statuses, $modes, $error_types, $fingerprint, $min_duration_s,
    $retry_of, $error_text
)
WHERE duration_s IS NOT NULL AND ($after_value IS NULL OR $sign * duration_s > $sign * $after_value::DOUBLE)
ORDER BY $sign * duration_s
LIMIT 1 OFFSET $rows_before
