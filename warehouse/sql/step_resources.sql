-- Memory and data of the executions of a window, in short units of time and histogram buckets.
--
-- One row: the executions placed in one unit whose memory lies in one bucket. No order: the caller adds them up.
-- Reads the view executions.
-- Parameters: $since, $until (TIMESTAMPTZ, half-open), $unit_us (BIGINT, length of a unit in microseconds),
-- $workflow_ids, $statuses, $modes (lists of text: any of the values; NULL: all).
--   unit                number of the unit since 1970
--   bucket              duration_bucket of the memory in millionths of a MiB; NULL: not measured
--   executions          how many
--   min_memory, max_memory   millionths of a MiB; NULL with bucket
--   sized, data_bytes   executions with a known size of data, and its sum (NULL: none)
WITH narrow AS (
    SELECT
        epoch_us(placed_at(started_at, created_at)) // $unit_us AS unit,
        whole_us(memory_mb) AS memory,  -- like a time: a whole number of millionths
        data_bytes
    FROM executions
    WHERE placed_at(started_at, created_at) >= $since
        AND placed_at(started_at, created_at) < $until
        AND ($workflow_ids IS NULL OR list_contains($workflow_ids, workflow_id))
        AND ($statuses IS NULL OR list_contains($statuses, status))
        AND ($modes IS NULL OR list_contains($modes, mode))
)
SELECT
    unit,
    duration_bucket(memory) AS bucket,
    count(*) AS executions,
    min(memory) AS min_memory,
    max(memory) AS max_memory,
    count(data_bytes) AS sized,
    sum(data_bytes)::BIGINT AS data_bytes
FROM narrow
GROUP BY unit, bucket;
