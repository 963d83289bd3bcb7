-- The nodes of a window from those of its days, most exclusive time first.
--
-- One row: one node of one workflow. Reads node_days: rows of node_day.sql, of windows that do not overlap.
-- Order: exclusive_us, runs (both descending), workflow_id (NULL last), node_id.
-- Parameters: $workflow_ids (list of text, NULL: all), $limit (rows at most).
--   columns of node_day.sql added up; total_us and exclusive_us are 0, not NULL, where no run was timed;
--   buckets, counts                 the days' histograms one after the other (a bucket may come once a day)
--   all_exclusive_us, nodes_total   over all nodes, before $limit
WITH days AS (
    SELECT *
    FROM node_days
    WHERE $workflow_ids IS NULL OR list_contains($workflow_ids, workflow_id)
),

nodes AS (
    SELECT
        workflow_id,
        node_id,
        arg_max(node_name, (named_at_us, node_name)) FILTER (WHERE node_name IS NOT NULL) AS node_name,
        arg_max(node_type, (typed_at_us, node_type)) FILTER (WHERE node_type IS NOT NULL) AS node_type,
        sum(runs)::BIGINT AS runs,
        sum(executions)::BIGINT AS executions,
        sum(failures)::BIGINT AS failures,
        sum(finished)::BIGINT AS finished,
        sum(timed)::BIGINT AS timed,
        coalesce(sum(total_us), 0)::BIGINT AS total_us,
        coalesce(sum(exclusive_us), 0)::BIGINT AS exclusive_us,
        min(min_us) AS min_us,
        max(max_us) AS max_us,
        sum(items_out)::BIGINT AS items_out
    FROM days
    GROUP BY workflow_id, node_id
),

listed AS (
    SELECT *, (sum(exclusive_us) OVER ())::BIGINT AS all_exclusive_us, count(*) OVER () AS nodes_total
    FROM nodes
    ORDER BY exclusive_us DESC, runs DESC, workflow_id NULLS LAST, node_id
    LIMIT $limit
),

histograms AS (
    SELECT
        days.workflow_id,
        days.node_id,
        flatten(list(days.buckets)) AS buckets,
        flatten(list(days.counts)) AS counts
    FROM days
    SEMI JOIN listed ON days.workflow_id IS NOT DISTINCT FROM listed.workflow_id AND days.node_id = listed.node_id
    WHERE days.buckets IS NOT NULL
    GROUP BY days.workflow_id, days.node_id
)

SELECT listed.*, coalesce(histograms.buckets, []) AS buckets, coalesce(histograms.counts, []) AS counts
FROM listed
LEFT JOIN histograms
    ON listed.workflow_id IS NOT DISTINCT FROM histograms.workflow_id AND listed.node_id = histograms.node_id
ORDER BY listed.exclusive_us DESC, listed.runs DESC, listed.workflow_id NULLS LAST, listed.node_id;
