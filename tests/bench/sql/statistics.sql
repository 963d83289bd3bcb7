-- The statistics of a period as one query over the live files (the view `executions`): what a person would write who
-- has DuckDB and no rollups. It answers what `Warehouse.statistics` answers, without its `as_of`.
--
-- One row is the totals of a part of the period: by clock hour (hour set, counted since 1970), by workflow (by_workflow
-- true), or all of it (neither). `current` is true for [$since, $until), false for the preceding period [$previous_since, $since), which
-- has no rows by hour. No order.
--
-- $previous_since, $since, $until: instants.
-- Times in seconds; NULL: no execution of the part has a duration. Percentiles are linear between ranks, exact.
WITH placed AS (
    SELECT
        coalesce(started_at, created_at) AS placed_at,
        workflow_id, status, duration_s, queue_time_s
    FROM executions
    WHERE coalesce(started_at, created_at) >= $previous_since AND coalesce(started_at, created_at) < $until
),
marked AS (
    SELECT
        placed_at >= $since AS current,
        CASE WHEN placed_at >= $since THEN epoch_us(placed_at) // 3_600_000_000 END AS hour,
        workflow_id, status, duration_s, queue_time_s
    FROM placed
)
SELECT
    current,
    hour,
    workflow_id,
    grouping(workflow_id) = 0 AS by_workflow,
    count(*) AS executions,
    count(*) FILTER (status = 'success') AS successes,
    count(*) FILTER (status IN ('failed', 'timeout', 'cancelled')) AS failures,
    count(*) FILTER (status = 'queued') AS queued,
    count(*) FILTER (status = 'running') AS running,
    count(*) FILTER (status = 'failed') AS failed,
    count(*) FILTER (status = 'cancelled') AS cancelled,
    count(*) FILTER (status = 'timeout') AS timeout,
    count(duration_s) AS timed,
    avg(duration_s) AS avg_s,
    min(duration_s) AS min_s,
    max(duration_s) AS max_s,
    sum(duration_s) AS total_s,
    quantile_cont(duration_s, [0.5, 0.95, 0.99]) AS percentiles_s,
    avg(queue_time_s) AS queue_avg_s
FROM marked
GROUP BY GROUPING SETS ((current, hour), (current, workflow_id), (current))
HAVING grouping(hour) = 1 OR hour IS NOT NULL
