-- The executions of `chosen_executions` that meet the conditions, in no particular order: all columns, and
-- placed_us, the instant that places them in microseconds since 1970.
-- Parameters: the conditions of the macro is_wanted.
SELECT *, epoch_us(placed_at(started_at, created_at)) AS placed_us
FROM chosen_executions
WHERE is_wanted(
    $workflow_ids, $statuses, $modes, $error_types, $fingerprint, $min_duration_s, $retry_of, $error_text,
    workflow_id, status, mode, error_type, error_fingerprint, duration_s, retry_of, error_message
)
