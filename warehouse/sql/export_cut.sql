-- The first execution that is one too many: (placed_at, id) of the one after $left others, in the order of the export.
-- No row: there are not more than $left. Parameters: those of matching_executions (filters.sql); $left: a count;
-- $after_at, $after_id: only executions after these in the order of the export, NULL: all.
SELECT placed_at(started_at, created_at) AS cut_at, id AS cut_id
FROM matching_executions(
    $since, $until, $workflow_ids, $statuses, $modes, $error_types, $fingerprint, $min_duration_s,
    $retry_of, $error_text
)
WHERE $after_at IS NULL
    OR placed_at(started_at, created_at) > $after_at::TIMESTAMPTZ
    OR (placed_at(started_at, created_at) = $after_at::TIMESTAMPTZ AND id > $after_id)
ORDER BY cut_at, cut_id
LIMIT 1 OFFSET $left
