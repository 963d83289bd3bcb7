-- When error groups first and last occurred in some workflows, over all of time.
--
-- One row: one fingerprint among the unsuccessful executions of these workflows. Reads the view executions.
-- Parameters: $fingerprints, $workflow_ids (lists of text).
--   executions               how many
--   first_at_us, last_at_us  when the first and the last are placed, microseconds since 1970
SELECT
    error_fingerprint AS fingerprint,
    count(*) AS executions,
    epoch_us(min(placed_at(started_at, created_at))) AS first_at_us,
    epoch_us(max(placed_at(started_at, created_at))) AS last_at_us
FROM executions
WHERE list_contains($fingerprints, error_fingerprint)
    AND status IN ('failed', 'cancelled', 'timeout')
    AND list_contains($workflow_ids, workflow_id)
GROUP BY fingerprint
ORDER BY fingerprint;
