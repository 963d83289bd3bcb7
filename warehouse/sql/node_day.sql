-- The nodes of the executions placed in a window (at most a day: everything is held in memory).
--
-- One row: one node of one workflow, by workflow_id (NULL last) and node_id. Reads the views executions and node_runs.
-- Parameters: $since, $until (TIMESTAMPTZ, half-open).
--   node_name, node_type      of the newest execution that has one (the greatest on a tie); NULL: none has
--   named_at_us, typed_at_us  when that execution is placed, microseconds since 1970; NULL with them
--   runs, executions          runs of the node; distinct executions it ran in
--   failures, finished        runs that ended unsuccessfully; runs that ended
--   timed                     runs with a start and a duration; only these count into the times below
--   total_us, min_us, max_us  whole microseconds; NULL: no timed run
--   exclusive_us              see below; NULL: no run that lasted
--   items_out                 NULL: no run says
--   buckets, counts           histogram of the durations: duration_bucket and how many; NULL: no timed run
-- Exclusive time (a profiler's self time): an instant of an execution belongs to the latest-started of the runs that
-- are active then (of equal starts, to the later one in the execution's order). An execution whose runs do not overlap
-- needs no such decision; only the others are swept.
WITH placed AS (
    SELECT
        row_number() OVER () AS execution,  -- a number is cheaper to partition by than an id
        id,
        date,
        workflow_id,
        epoch_us(placed_at(started_at, created_at)) AS at_us
    FROM executions
    WHERE placed_at(started_at, created_at) >= $since
        AND placed_at(started_at, created_at) < $until
),

runs AS MATERIALIZED (
    SELECT
        placed.execution,
        placed.workflow_id,
        placed.at_us,
        node_runs.node_id,
        node_runs.node_name,
        node_runs.node_type,
        node_runs.status,
        node_runs.items_out,
        node_runs.order_index,
        node_runs.run_index,
        epoch_us(node_runs.started_at) AS start_us,
        CASE WHEN node_runs.started_at IS NOT NULL THEN whole_us(node_runs.duration_s) END AS duration_us
    FROM node_runs
    INNER JOIN placed ON node_runs.execution_id = placed.id AND node_runs.date = placed.date
),

lasting AS MATERIALIZED (
    SELECT
        execution,
        workflow_id,
        node_id,
        start_us,
        start_us + duration_us AS end_us,
        row_number() OVER by_start AS run,
        coalesce(start_us < max(end_us) OVER (by_start ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), false)
            AS is_overlapping
    FROM runs
    WHERE duration_us > 0
    WINDOW by_start AS (PARTITION BY execution ORDER BY start_us, order_index, node_id, run_index)
),

overlapping AS (
    SELECT DISTINCT execution
    FROM lasting
    WHERE is_overlapping
),

swept AS MATERIALIZED (
    SELECT lasting.*
    FROM lasting
    SEMI JOIN overlapping USING (execution)
),

borders AS (
    SELECT execution, start_us AS at_us FROM swept
    UNION
    SELECT execution, end_us AS at_us FROM swept
),

segments AS (
    SELECT execution, at_us AS from_us, lead(at_us) OVER (PARTITION BY execution ORDER BY at_us) AS to_us
    FROM borders
),

owned AS (
    SELECT segments.execution, segments.to_us - segments.from_us AS exclusive_us, max(swept.run) AS run
    FROM segments
    INNER JOIN swept
        ON segments.execution = swept.execution
        AND segments.from_us >= swept.start_us
        AND segments.to_us <= swept.end_us
    GROUP BY segments.execution, segments.from_us, segments.to_us
),

exclusive_parts AS (
    SELECT workflow_id, node_id, end_us - start_us AS exclusive_us
    FROM lasting
    ANTI JOIN overlapping USING (execution)
    UNION ALL
    SELECT swept.workflow_id, swept.node_id, owned.exclusive_us
    FROM owned
    INNER JOIN swept USING (execution, run)
),

exclusive AS (
    SELECT workflow_id, node_id, sum(exclusive_us)::BIGINT AS exclusive_us
    FROM exclusive_parts
    GROUP BY workflow_id, node_id
),

node_names AS (
    SELECT workflow_id, node_id, node_name, node_type, max(at_us) AS at_us
    FROM runs
    GROUP BY workflow_id, node_id, node_name, node_type
),

names AS (
    SELECT
        workflow_id,
        node_id,
        arg_max(node_name, (at_us, node_name)) FILTER (WHERE node_name IS NOT NULL) AS node_name,
        max(at_us) FILTER (WHERE node_name IS NOT NULL) AS named_at_us,
        arg_max(node_type, (at_us, node_type)) FILTER (WHERE node_type IS NOT NULL) AS node_type,
        max(at_us) FILTER (WHERE node_type IS NOT NULL) AS typed_at_us
    FROM node_names
    GROUP BY workflow_id, node_id
),

entries AS (
    SELECT workflow_id, node_id, duration_bucket(duration_us) AS bucket, count(*) AS runs
    FROM runs
    WHERE duration_us IS NOT NULL
    GROUP BY workflow_id, node_id, bucket
),

histograms AS (
    SELECT workflow_id, node_id, list(bucket ORDER BY bucket) AS buckets, list(runs ORDER BY bucket) AS counts
    FROM entries
    GROUP BY workflow_id, node_id
),

nodes AS (
    SELECT
        workflow_id,
        node_id,
        count(*) AS runs,
        count(DISTINCT execution) AS executions,
        count(*) FILTER (WHERE status IN ('failed', 'cancelled', 'timeout')) AS failures,
        count(*) FILTER (WHERE status IN ('success', 'failed', 'cancelled', 'timeout')) AS finished,
        count(duration_us) AS timed,
        sum(duration_us)::BIGINT AS total_us,
        min(duration_us) AS min_us,
        max(duration_us) AS max_us,
        sum(items_out)::BIGINT AS items_out
    FROM runs
    GROUP BY workflow_id, node_id
)

SELECT
    nodes.*,
    names.node_name,
    names.named_at_us,
    names.node_type,
    names.typed_at_us,
    exclusive.exclusive_us,
    histograms.buckets,
    histograms.counts
FROM nodes
INNER JOIN names
    ON nodes.workflow_id IS NOT DISTINCT FROM names.workflow_id AND nodes.node_id = names.node_id
LEFT JOIN exclusive
    ON nodes.workflow_id IS NOT DISTINCT FROM exclusive.workflow_id AND nodes.node_id = exclusive.node_id
LEFT JOIN histograms
    ON nodes.workflow_id IS NOT DISTINCT FROM histograms.workflow_id AND nodes.node_id = histograms.node_id
ORDER BY nodes.workflow_id NULLS LAST, nodes.node_id;
