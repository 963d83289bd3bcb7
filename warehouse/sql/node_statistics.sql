-- Where the time goes: the nodes of the executions placed in a window, most exclusive time first.
--
-- One row: one node of one workflow. Reads the views executions and node_runs.
-- Order: exclusive_us, runs (both descending), workflow_id, node_id.
-- Parameters: $since, $until (TIMESTAMPTZ, half-open), $workflow_id (NULL: all), $limit (rows at most).
--   workflow_name, node_name, node_type   of the newest execution that has one; NULL: none has
--   runs, executions                      runs of the node; distinct executions it ran in
--   workflow_executions                   all executions of the workflow in the window
--   failures, finished                    runs that ended unsuccessfully; runs that ended
--   timed                                 runs with a start and a duration; only these count into the times below
--   total_us, exclusive_us, max_us        whole microseconds; exclusive: see below
--   p50_us, p95_us                        exact, linear between ranks; NULL: no timed run
--   items_out                             NULL: no run says
--   all_exclusive_us, nodes_total         over all nodes, before $limit
-- Exclusive time (a profiler's self time): an instant of an execution belongs to the latest-started of the runs that
-- are active then (of equal starts, to the later one in the execution's order). An execution whose runs do not overlap
-- needs no such decision; only the others are swept.
WITH placed AS (
    SELECT
        row_number() OVER () AS execution,  -- a number is cheaper to partition by than an id
        id,
        date,
        workflow_id,
        workflow_name,
        epoch_us(placed_at(started_at, created_at)) AS at_us
    FROM executions
    WHERE placed_at(started_at, created_at) >= $since
        AND placed_at(started_at, created_at) < $until
        AND ($workflow_id IS NULL OR workflow_id = $workflow_id)
),

workflow_names AS (
    SELECT workflow_id, workflow_name, count(*) AS executions, max(at_us) AS at_us
    FROM placed
    GROUP BY workflow_id, workflow_name
),

workflows AS (
    SELECT
        workflow_id,
        sum(executions)::BIGINT AS workflow_executions,
        arg_max(workflow_name, (at_us, workflow_name)) FILTER (WHERE workflow_name IS NOT NULL) AS workflow_name
    FROM workflow_names
    GROUP BY workflow_id
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
        arg_max(node_type, (at_us, node_type)) FILTER (WHERE node_type IS NOT NULL) AS node_type
    FROM node_names
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
        coalesce(sum(duration_us), 0)::BIGINT AS total_us,
        max(duration_us) AS max_us,
        quantile_cont(duration_us, [0.5, 0.95]) AS percentiles_us,
        sum(items_out)::BIGINT AS items_out
    FROM runs
    GROUP BY workflow_id, node_id
)

SELECT
    nodes.workflow_id,
    workflows.workflow_name,
    nodes.node_id,
    names.node_name,
    names.node_type,
    nodes.runs,
    nodes.executions,
    workflows.workflow_executions,
    nodes.failures,
    nodes.finished,
    nodes.timed,
    nodes.total_us,
    coalesce(exclusive.exclusive_us, 0) AS exclusive_us,
    nodes.percentiles_us[1] AS p50_us,
    nodes.percentiles_us[2] AS p95_us,
    nodes.max_us,
    nodes.items_out,
    (sum(coalesce(exclusive.exclusive_us, 0)) OVER ())::BIGINT AS all_exclusive_us,
    count(*) OVER () AS nodes_total
FROM nodes
INNER JOIN names
    ON nodes.workflow_id IS NOT DISTINCT FROM names.workflow_id AND nodes.node_id = names.node_id
INNER JOIN workflows ON nodes.workflow_id IS NOT DISTINCT FROM workflows.workflow_id
LEFT JOIN exclusive
    ON nodes.workflow_id IS NOT DISTINCT FROM exclusive.workflow_id AND nodes.node_id = exclusive.node_id
ORDER BY exclusive_us DESC, nodes.runs DESC, nodes.workflow_id NULLS LAST, nodes.node_id
LIMIT $limit;
