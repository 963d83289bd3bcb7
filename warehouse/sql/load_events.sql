-- When executions began and ceased to wait and to run, in short units of time.
--
-- One row: the events of one kind in one unit. No order: the caller adds them up.
-- Reads the view executions.
-- Parameters: $from, $until (TIMESTAMPTZ, half-open: executions placed there), $unit_us (BIGINT, length of a unit in
-- microseconds), $workflow_ids, $statuses, $modes (lists of text: any of the values; NULL: all).
--   is_waiting      about waiting to start; else about running
--   change          1: began, -1: ceased
--   unit            number of the unit since 1970
--   events          how many
--   offset_us       sum of the time from the begin of the unit to the event
-- Waiting: the recorded queue time, up to the start; what is queued waits since its creation. Running: from the start
-- to the stop; what has no stop runs on while its status is running, and is not counted when it ended unseen.
WITH placed AS (
    SELECT
        status,
        epoch_us(created_at) AS created_us,
        epoch_us(started_at) AS start_us,
        epoch_us(stopped_at) AS stop_us,
        whole_us(queue_time_s) AS queue_us
    FROM executions
    WHERE placed_at(started_at, created_at) >= $from
        AND placed_at(started_at, created_at) < $until
        AND ($workflow_ids IS NULL OR list_contains($workflow_ids, workflow_id))
        AND ($statuses IS NULL OR list_contains($statuses, status))
        AND ($modes IS NULL OR list_contains($modes, mode))
),

events AS (
    SELECT true AS is_waiting, 1 AS change, start_us - queue_us AS at_us
    FROM placed
    WHERE start_us IS NOT NULL AND queue_us > 0
    UNION ALL
    SELECT true, -1, start_us
    FROM placed
    WHERE start_us IS NOT NULL AND queue_us > 0
    UNION ALL
    SELECT true, 1, created_us
    FROM placed
    WHERE start_us IS NULL AND status = 'queued'
    UNION ALL
    SELECT false, 1, start_us
    FROM placed
    WHERE stop_us > start_us OR (start_us IS NOT NULL AND stop_us IS NULL AND status = 'running')
    UNION ALL
    SELECT false, -1, stop_us
    FROM placed
    WHERE stop_us > start_us
)

SELECT
    is_waiting,
    change,
    at_us // $unit_us AS unit,
    count(*) AS events,
    sum(at_us % $unit_us)::BIGINT AS offset_us
FROM events
GROUP BY is_waiting, change, unit;
