-- The error groups of a window, most executions first.
--
-- One row: one fingerprint among the unsuccessful executions placed in the window. Reads the view executions.
-- Order: executions descending, last placed in the window descending, fingerprint.
-- Parameters: $since, $until (TIMESTAMPTZ, half-open), $previous_since (TIMESTAMPTZ, begin of the preceding equal
-- window), $workflow_ids, $statuses, $modes (lists of text: any of the values; NULL: all), $limit (groups at most), $listed (entries at most in each list, >= 1).
--   error_type, message   of the newest execution of the group in the window; NULL: it has none
--   executions, previous  in the window, in the preceding one
--   workflows             list of (workflow_id, workflow_name, executions), most first, then by id
--   nodes                 ids of the nodes that raised it, most executions first, then by id; without those unknown
--   sample_ids            ids of the newest executions, newest first
--   workflows_total       distinct workflows in the group
--   groups_total          groups in the window, before $limit
WITH unsuccessful AS MATERIALIZED (
    SELECT
        id,
        workflow_id,
        workflow_name,
        error_fingerprint AS fingerprint,
        error_type,
        error_message,
        error_node_id,
        epoch_us(placed_at(started_at, created_at)) AS at_us,
        placed_at(started_at, created_at) >= $since AS inside
    FROM executions
    WHERE status IN ('failed', 'cancelled', 'timeout')
        AND placed_at(started_at, created_at) >= $previous_since
        AND placed_at(started_at, created_at) < $until
        AND ($workflow_ids IS NULL OR list_contains($workflow_ids, workflow_id))
        AND ($statuses IS NULL OR list_contains($statuses, status))
        AND ($modes IS NULL OR list_contains($modes, mode))
),

counted AS (
    SELECT
        fingerprint,
        count(*) FILTER (WHERE inside) AS executions,
        count(*) FILTER (WHERE NOT inside) AS previous,
        max(at_us) FILTER (WHERE inside) AS newest_us
    FROM unsuccessful
    WHERE fingerprint IS NOT NULL
    GROUP BY fingerprint
    HAVING executions > 0
),

listed AS (
    SELECT *, count(*) OVER () AS groups_total
    FROM counted
    ORDER BY executions DESC, newest_us DESC, fingerprint
    LIMIT $limit
),

members AS MATERIALIZED (
    SELECT unsuccessful.*
    FROM unsuccessful
    SEMI JOIN listed USING (fingerprint)
    WHERE inside
),

ranked AS (
    SELECT *, row_number() OVER (PARTITION BY fingerprint ORDER BY at_us DESC, id DESC) AS rank
    FROM members
    QUALIFY rank <= $listed
),

samples AS (
    SELECT fingerprint, list(id ORDER BY rank) AS sample_ids
    FROM ranked
    GROUP BY fingerprint
),

newest AS (
    SELECT fingerprint, error_type, error_message AS message
    FROM ranked
    WHERE rank = 1
),

workflow_names AS (
    SELECT fingerprint, workflow_id, workflow_name, count(*) AS executions, max(at_us) AS at_us
    FROM members
    GROUP BY fingerprint, workflow_id, workflow_name
),

workflows AS (
    SELECT
        fingerprint,
        workflow_id,
        arg_max(workflow_name, (at_us, workflow_name)) FILTER (WHERE workflow_name IS NOT NULL) AS workflow_name,
        sum(executions)::BIGINT AS executions
    FROM workflow_names
    GROUP BY fingerprint, workflow_id
),

workflow_lists AS (
    SELECT
        fingerprint,
        list({'id': workflow_id, 'name': workflow_name, 'executions': executions}
            ORDER BY executions DESC, workflow_id NULLS LAST)[:$listed] AS workflows,
        count(*) AS workflows_total
    FROM workflows
    GROUP BY fingerprint
),

nodes AS (
    SELECT fingerprint, error_node_id, count(*) AS executions
    FROM members
    WHERE error_node_id IS NOT NULL
    GROUP BY fingerprint, error_node_id
),

node_lists AS (
    SELECT fingerprint, list(error_node_id ORDER BY executions DESC, error_node_id)[:$listed] AS nodes
    FROM nodes
    GROUP BY fingerprint
)

SELECT
    listed.fingerprint,
    newest.error_type,
    newest.message,
    listed.executions,
    listed.previous,
    workflow_lists.workflows,
    workflow_lists.workflows_total,
    coalesce(node_lists.nodes, []) AS nodes,
    samples.sample_ids,
    listed.groups_total
FROM listed
INNER JOIN samples USING (fingerprint)
INNER JOIN newest USING (fingerprint)
INNER JOIN workflow_lists USING (fingerprint)
LEFT JOIN node_lists USING (fingerprint)
ORDER BY listed.executions DESC, listed.newest_us DESC, listed.fingerprint;
