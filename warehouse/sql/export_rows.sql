-- Executions as rows for Parquet and Arrow, in the order of the view `chosen_executions`: the columns of the schema
-- of `executions` without the four that only the merge of records uses.
--
-- Parameters: those of matching_executions (filters.sql); $cut_at, $cut_id: only executions that come before this
-- instant and id in the order of the export, NULL: all; $after_at, $after_id:
-- only those that come after these.
SELECT * EXCLUDE (nodes_rank, nodes_hash, payloads_rank, payloads_hash)
FROM matching_executions(
    $since, $until, $workflow_ids, $statuses, $modes, $error_types, $fingerprint, $min_duration_s,
    $retry_of, $error_text
)
WHERE ($cut_at IS NULL OR (placed_at(started_at, created_at), id) < ($cut_at, $cut_id))
    AND (
        $after_at IS NULL
        OR placed_at(started_at, created_at) > $after_at::TIMESTAMPTZ
        OR (placed_at(started_at, created_at) = $after_at::TIMESTAMPTZ AND id > $after_id)
    )
