-- Which executions: the conditions that lists and exports share.
-- Run in a session that has the view `chosen_executions`.

-- The rows of the view `chosen_executions` (the data files that may matter, see warehouse/scan.py) that meet every
-- condition which is not NULL. Instants TIMESTAMPTZ, half-open [since, until) over placed_at; the lists: any of the
-- values; min_duration_s: seconds; error_text: anywhere in the message, upper and lower case alike.
-- DuckDB folds what is NULL away before it reads, and pushes the rest down into the Parquet files.
CREATE OR REPLACE TEMP MACRO matching_executions(
    p_since, p_until, p_workflow_ids, p_statuses, p_modes, p_error_types, p_fingerprint, p_min_duration_s, p_retry_of,
    p_error_text
) AS TABLE
    SELECT *
    FROM chosen_executions
    WHERE (p_since IS NULL OR placed_at(started_at, created_at) >= p_since)
        AND (p_until IS NULL OR placed_at(started_at, created_at) < p_until)
        AND (p_workflow_ids IS NULL OR list_contains(p_workflow_ids, workflow_id))
        AND (p_statuses IS NULL OR list_contains(p_statuses, status))
        AND (p_modes IS NULL OR list_contains(p_modes, mode))
        AND (p_error_types IS NULL OR list_contains(p_error_types, error_type))
        AND (p_fingerprint IS NULL OR error_fingerprint = p_fingerprint)
        AND (p_min_duration_s IS NULL OR duration_s >= p_min_duration_s)
        AND (p_retry_of IS NULL OR retry_of = p_retry_of)
        AND (p_error_text IS NULL OR contains(lower(error_message), lower(p_error_text)));
