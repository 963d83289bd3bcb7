-- The executions of some hours of one file, as narrow as statistics need them.
--
-- One row: one execution, by hour and then by the instant that places it.
-- Reads the view rollup_source (one file of `executions`, one UTC date).
-- Parameters: $hours, list of hours (0..23) of the file's UTC date.
--   at_us         the instant that places it, microseconds since 1970
--   duration_us   whole microseconds; NULL: no duration. bucket: its duration_bucket; NULL with it
--   queue_us      whole microseconds between creation and start; NULL: not known
WITH narrow AS (
    SELECT
        workflow_id,
        status,
        mode,
        epoch_us(placed_at(started_at, created_at)) AS at_us,
        (at_us - epoch_us(date::TIMESTAMP)) // 3_600_000_000 AS hour,
        whole_us(duration_s) AS duration_us,
        whole_us(queue_time_s) AS queue_us
    FROM rollup_source
    WHERE list_contains($hours, hour)
)
SELECT workflow_id, status, mode, hour, at_us, duration_us, duration_bucket(duration_us) AS bucket, queue_us
FROM narrow
ORDER BY hour, at_us;
