-- One row is one accepted record, every column of executions, from the tables with masked texts: n8n_execution,
-- n8n_node_run, n8n_stored_payload.
-- nodes_hash: of its node runs as stored, in any order; 0 for an execution whose record says that no node ran; NULL:
-- the record carried no node data. payloads_hash: likewise of its payloads, NULL when it has none.
WITH node_run AS (
    SELECT
        record_no,
        (bit_xor(hash(
            node_id, node_name, node_type, run_index, order_index, status, source_status, started_at, stopped_at,
            duration_s, items_in, items_out, input_from, error_type, error_message, error_stack, error_at
        )) >> 1)::BIGINT AS nodes_hash
    FROM n8n_node_run
    GROUP BY record_no
),

payload AS (
    SELECT
        record_no,
        (bit_xor(hash(node_id, run_index, kind, data)) >> 1)::BIGINT AS payloads_hash
    FROM n8n_stored_payload
    GROUP BY record_no
),

error AS (
    SELECT
        error_type,
        error_message,
        error_fingerprint(error_type, error_message) AS error_fingerprint
    FROM (SELECT DISTINCT error_type, error_message FROM n8n_execution)
)

SELECT
    e.record_no,
    e.id,
    e.workflow_id,
    e.workflow_name,
    e.status,
    e.mode,
    e.trigger_type,
    e.trigger_source,
    e.trigger_at,
    e.started_at,
    e.stopped_at,
    e.duration_s,
    e.error_type,
    e.error_message,
    e.error_node_id,
    e.error_stack,
    e.error_at,
    f.error_fingerprint,
    e.retry_of,
    e.retry_success_id,
    e.retry_count,
    e.queue_time_s,
    e.memory_mb,
    e.node_count,
    e.data_bytes,
    e.wait_till,
    e.workflow_version_id,
    e.parent_execution_id,
    e.parent_workflow_id,
    e.custom_data,
    e.source,
    e.source_status,
    e.source_mode,
    e.created_at,
    e.updated_at,
    NULL::BIGINT AS nodes_rank,
    CASE WHEN e.node_count IS NOT NULL THEN coalesce(n.nodes_hash, 0) END AS nodes_hash,
    NULL::BIGINT AS payloads_rank,
    p.payloads_hash,
    placed_at(e.started_at, e.created_at)::DATE AS date
FROM n8n_execution AS e
LEFT JOIN node_run AS n ON n.record_no = e.record_no
LEFT JOIN payload AS p ON p.record_no = e.record_no
LEFT JOIN error AS f
    ON f.error_type IS NOT DISTINCT FROM e.error_type AND f.error_message IS NOT DISTINCT FROM e.error_message
ORDER BY e.record_no;
