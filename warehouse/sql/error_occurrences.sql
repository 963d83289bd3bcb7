-- Where and when the executions of one error group failed.
--
-- One row: the group's unsuccessful executions in one unit of time, workflow and node. No order: the caller adds up.
-- Reads the view executions.
-- Parameters: $fingerprint, $since, $until (TIMESTAMPTZ, half-open), $unit_us (BIGINT, length of a unit in
-- microseconds), $workflow_ids, $statuses, $modes (lists of text: any of the values; NULL: all).
--   unit          number of the unit since 1970
--   workflow_id, workflow_name   NULL: not known; the name is the newest in the row
--   node_id       the node that raised it; NULL: not known
--   executions    how many
SELECT
    epoch_us(placed_at(started_at, created_at)) // $unit_us AS unit,
    workflow_id,
    arg_max(workflow_name, placed_at(started_at, created_at)) AS workflow_name,
    error_node_id AS node_id,
    status,
    count(*) AS executions
FROM executions
WHERE error_fingerprint = $fingerprint
    AND status IN ('failed', 'cancelled', 'timeout')
    AND placed_at(started_at, created_at) >= $since
    AND placed_at(started_at, created_at) < $until
    AND ($workflow_ids IS NULL OR list_contains($workflow_ids, workflow_id))
    AND ($statuses IS NULL OR list_contains($statuses, status))
    AND ($modes IS NULL OR list_contains($modes, mode))
GROUP BY unit, workflow_id, node_id, status;
