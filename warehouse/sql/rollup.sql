-- The finest cells of one executions file.
--
-- One row: the executions of the file that share workflow, hour, status, mode and histogram bucket. No order: the
-- caller sorts by numbers that stand for the words, which is cheaper than sorting the words here.
-- Reads the view rollup_source (one file of `executions`, one UTC date). No parameters.
--   workflow_id   NULL: the engine did not say
--   hour          0..23, hour of the file's UTC date
--   bucket        duration_bucket of the durations; NULL: these executions have no duration
--   executions    how many; timed = executions where bucket is not NULL, else 0
--   total_us, min_us, max_us   durations in whole microseconds; NULL with bucket
--   queued, queue_us           executions with a known queue time, and its sum in whole microseconds (NULL: none)
WITH narrow AS (
    SELECT
        workflow_id,
        (epoch_us(placed_at(started_at, created_at)) - epoch_us(date::TIMESTAMP)) // 3_600_000_000 AS hour,
        status,
        mode,
        whole_us(duration_s) AS duration_us,
        whole_us(queue_time_s) AS queued_us
    FROM rollup_source
)
SELECT
    workflow_id,
    hour,
    status,
    mode,
    duration_bucket(duration_us) AS bucket,
    count(*) AS executions,
    sum(duration_us)::BIGINT AS total_us,
    min(duration_us) AS min_us,
    max(duration_us) AS max_us,
    count(queued_us) AS queued,
    sum(queued_us)::BIGINT AS queue_us
FROM narrow
GROUP BY workflow_id, hour, status, mode, bucket;
