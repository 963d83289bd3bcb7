-- One row is one stored payload, every column of payloads: n8n_stored_payload with what its execution says.
SELECT
    p.record_no,
    e.id AS execution_id,
    p.node_id,
    p.run_index,
    p.kind,
    p.data,
    strlen(p.data) AS data_bytes,
    e.date
FROM n8n_stored_payload AS p
INNER JOIN n8n_finished AS e ON e.record_no = p.record_no
ORDER BY p.record_no, p.node_id, p.run_index;
