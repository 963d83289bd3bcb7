-- Size and hash of payloads as they will be stored.
-- One row is one payload of `payloads` (payload_no, node_id, run_index, kind, data), in no order. data_bytes: bytes of the text.
SELECT
    payload_no,
    strlen(data)::BIGINT AS data_bytes,
    hash(node_id, run_index, kind, data) AS payload_hash
FROM payloads;
