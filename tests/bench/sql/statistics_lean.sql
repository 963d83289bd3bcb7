-- The least that a chart of a period needs, as one query over the live files (the view `executions`): one row is one
-- clock hour (counted since 1970) of [$since, $until). No percentiles, workflows or preceding period. No order.
--
-- $since, $until: instants. avg_s: seconds; NULL: nothing of the hour has a duration.
SELECT
    epoch_us(coalesce(started_at, created_at)) // 3_600_000_000 AS hour,
    count(*) AS executions,
    count(*) FILTER (status = 'success') AS successes,
    avg(duration_s) AS avg_s
FROM executions
WHERE coalesce(started_at, created_at) >= $since AND coalesce(started_at, created_at) < $until
GROUP BY hour
