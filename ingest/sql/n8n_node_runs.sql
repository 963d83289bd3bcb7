-- One row is one stored node run, every column of node_runs: n8n_node_run with what its execution (n8n_finished) says.
SELECT
    n.record_no,
    e.id AS execution_id,
    e.workflow_id,
    n.node_id,
    n.node_name,
    n.node_type,
    n.run_index,
    n.order_index,
    n.status,
    n.source_status,
    n.started_at,
    n.stopped_at,
    n.duration_s,
    n.items_in,
    n.items_out,
    n.input_from,
    n.error_type,
    n.error_message,
    n.error_stack,
    n.error_at,
    e.date
FROM n8n_node_run AS n
INNER JOIN n8n_finished AS e ON e.record_no = n.record_no
ORDER BY n.record_no, n.order_index;
