-- One row is one node run to be stored: the columns of node_runs but workflow_id and date, and before them record_no,
-- node_name and position (the keys of n8n_entry). Error texts are not masked yet.
-- duration_s, stopped_at: NULL while it runs or waits, and for entries n8n made up after a crash.
-- error_*: what the node raised; of a node that succeeds with onError = continue the first error among its items.
-- items_in: items at the outputs that `source` names; 0 for a node that began the run; NULL: a source has no data.
WITH source AS (
    SELECT
        record_no,
        node_name,
        position,
        unnest(
            from_json(
                source, '[{"previousNode":"VARCHAR","previousNodeOutput":"INTEGER","previousNodeRun":"INTEGER"}]'
            )
        ) AS s
    FROM n8n_entry
    WHERE kept AND json_type(source) = 'ARRAY'
),

received AS (
    SELECT
        t.record_no,
        t.node_name,
        t.position,
        CASE
            WHEN count(*) = count(f.main_items) THEN
                sum(coalesce(f.main_items[coalesce(t.s.previousNodeOutput, 0) + 1], 0))
        END AS items
    FROM source AS t
    LEFT JOIN n8n_entry AS f
        ON
            f.record_no = t.record_no
            AND f.node_name = t.s.previousNode
            AND f.position = coalesce(t.s.previousNodeRun, 0) + 1
            AND NOT f.is_recovered
    WHERE t.s.previousNode IS NOT NULL
    GROUP BY ALL
),

judged AS (
    SELECT
        e.* EXCLUDE (outputs),
        e.is_recovered OR coalesce(e.source_status = 'crashed', false) AS is_unmeasured,
        coalesce(n8n_error_json(e.error_json, e.redacted_error_json), e.item_error_json) AS any_error_json,
        -- What n8n made up after a crash is cut to the second; it comes after what is known within that second.
        CASE WHEN e.is_recovered THEN e.started_at + INTERVAL 1 SECOND ELSE e.started_at END AS sort_at,
        CASE
            WHEN e.source_status = 'success' THEN 'success'
            WHEN e.source_status IN ('error', 'crashed') THEN 'failed'
            WHEN e.source_status IN ('waiting', 'running') THEN 'running'
            WHEN e.source_status = 'canceled' THEN 'cancelled'
            WHEN e.source_status = 'new' THEN 'queued'
            WHEN n8n_error_json(e.error_json, e.redacted_error_json) IS NOT NULL THEN 'failed'
            WHEN e.item_count IS NULL AND e.execution_ms IS NULL THEN 'running'
            ELSE 'success'
        END AS status
    FROM n8n_entry AS e
    WHERE e.kept
),

told AS MATERIALIZED (
    SELECT
        *,
        n8n_error_struct(any_error_json) AS error
    FROM judged
)

SELECT
    j.record_no,
    j.position,
    j.node_id,
    j.node_name,
    j.node_type,
    (row_number() OVER (PARTITION BY j.record_no, j.node_id ORDER BY j.position, j.place) - 1)::INTEGER AS run_index,
    (
        row_number() OVER (
            PARTITION BY j.record_no
            ORDER BY j.sort_at NULLS LAST, j.execution_index NULLS LAST, j.place, j.position
        ) - 1
    )::INTEGER AS order_index,
    j.status,
    j.source_status,
    j.started_at,
    CASE
        WHEN NOT j.is_unmeasured AND j.status NOT IN ('queued', 'running')
            THEN j.started_at + to_microseconds(TRY_CAST(j.execution_ms * 1000 AS BIGINT))
    END AS stopped_at,
    CASE
        WHEN NOT j.is_unmeasured AND j.status NOT IN ('queued', 'running') THEN j.execution_ms / 1000
    END AS duration_s,
    CASE
        WHEN json_type(j.source) = 'ARRAY' AND json_array_length(j.source) = 0 THEN 0
        ELSE r.items
    END::BIGINT AS items_in,
    CASE WHEN NOT j.is_recovered THEN j.item_count END::BIGINT AS items_out,
    CASE WHEN regexp_matches(j.source, '^\s*\[\s*(null\s*,\s*)*\{') THEN j.source::VARCHAR END AS input_from,
    n8n_error_type(j.any_error_json, j.error) AS error_type,
    n8n_error_message(j.any_error_json, j.error) AS error_message,
    n8n_strip(nullif(j.error.stack, '')) AS error_stack,
    n8n_instant_of_ms(j.error.timestamp) AS error_at
FROM told AS j
LEFT JOIN received AS r
    ON r.record_no = j.record_no AND r.node_name = j.node_name AND r.position = j.position
ORDER BY j.record_no, order_index;
