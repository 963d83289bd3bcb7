-- Which executions: the conditions that lists and exports share.
-- Run in a session that has the view `chosen_executions`.

-- The rows of the view `chosen_executions` (the data files that may matter, see warehouse/scan.py) that are placed in
-- [since, until) (TIMESTAMPTZ, NULL: unbounded) and meet the other conditions (see the macro is_wanted).
CREATE OR REPLACE TEMP MACRO matching_executions(
    p_since, p_until, p_workflow_ids, p_statuses, p_modes, p_error_types, p_fingerprint, p_min_duration_s, p_retry_of,
    p_error_text
) AS TABLE
    SELECT *
    FROM chosen_executions
    WHERE (p_since IS NULL OR placed_at(started_at, created_at) >= p_since)
        AND (p_until IS NULL OR placed_at(started_at, created_at) < p_until)
        AND is_wanted(
            p_workflow_ids, p_statuses, p_modes, p_error_types, p_fingerprint, p_min_duration_s, p_retry_of,
            p_error_text,
            workflow_id, status, mode, error_type, error_fingerprint, duration_s, retry_of, error_message
        );
