-- The drawn records as the contract's Execution objects: one row is one JSON text with its line end, in the order of
-- generate_executions.sql.
--
-- $seed; $nodes: with executionData; $payloads: with trigger payload, inputData and outputData.
-- Tables: generated_executions (answer of generate_executions.sql), generate_rows, generate_workflows.
-- A key whose value is unknown is left out. executionData is left out of what has not ended.
WITH joined AS (
    SELECT
        execution.*,
        row.*,
        flow.node_ids, flow.node_names, flow.node_types, flow.node_cuts,
        exp(0.25 * generate_normal($seed, row.no, 30)) AS bend,
        format('{:016x}', hash(hash(row.no, $seed, 32))) AS token,
        1 + hash(row.no, $seed, 33) % 9000 AS customer
    FROM generated_executions AS execution
    JOIN (SELECT no, duration_ms, fail_node, begin_us, workflow_no FROM generate_rows) AS row ON row.no = execution.record_no
    JOIN generate_workflows AS flow USING (workflow_no)
),
wrapped AS (
    SELECT
        *,
        CASE WHEN $payloads THEN concat(
            '{"event":"', trigger_source, '.received","reference":"', token,
            '","customer":{"id":', customer, ',"email":"customer', customer, '@example.com"},"amount":', no % 50000 / 100.0, '}'
        ) END AS trigger_payload,
        CASE WHEN $nodes AND duration_ms IS NOT NULL THEN list_transform(range(node_count), lambda k: concat(
            '{"nodeId":"', node_ids[k + 1],
            '","nodeName":', to_json(node_names[k + 1])::VARCHAR,
            ',"nodeType":"', node_types[k + 1],
            '","status":"', CASE WHEN k = node_count - 1 THEN status ELSE 'success' END,
            '","startedAt":"', generate_instant(make_timestamp(begin_us + 1000 * CASE WHEN k = 0 THEN 0 ELSE
                round(duration_ms * (node_cuts[k] / node_cuts[node_count]) ^ bend)::BIGINT END)),
            '","stoppedAt":"', generate_instant(make_timestamp(begin_us + 1000 *
                round(duration_ms * (node_cuts[k + 1] / node_cuts[node_count]) ^ bend)::BIGINT)),
            '","duration":', (
                round(duration_ms * (node_cuts[k + 1] / node_cuts[node_count]) ^ bend)::BIGINT
                - CASE WHEN k = 0 THEN 0 ELSE
                    round(duration_ms * (node_cuts[k] / node_cuts[node_count]) ^ bend)::BIGINT END
            ) / 1000.0::DOUBLE,
            CASE WHEN $payloads AND k > 0 THEN concat(
                ',"inputData":[{"json":{"reference":"', token, '","step":', k - 1, '}}]'
            ) END,
            CASE WHEN $payloads AND (k < node_count - 1 OR error_type IS NULL) THEN concat(
                ',"outputData":[{"json":{"reference":"', token, '","step":', k, ',"customer":', customer, '}}]'
            ) END,
            CASE WHEN k = node_count - 1 AND error_type IS NOT NULL THEN concat(
                ',"error":{"type":"', error_type, '","message":', to_json(error_message)::VARCHAR,
                ',"nodeId":"', node_ids[k + 1], '","timestamp":"', generate_instant(error_at), '"}'
            ) END,
            '}'
        )) END AS node_objects
    FROM joined
)
SELECT concat(
    '{"id":"', id,
    '","workflowId":"', workflow_id,
    '","workflowName":', to_json(workflow_name)::VARCHAR,
    ',"status":"', status,
    '","mode":"', mode,
    '","trigger":{"type":"', trigger_type, '","source":"', trigger_source,
    CASE WHEN trigger_payload IS NOT NULL THEN concat('","payload":', trigger_payload, ',"timestamp":"') ELSE '","timestamp":"' END,
    generate_instant(trigger_at), '"}',
    CASE WHEN started_at IS NOT NULL THEN concat(',"startedAt":"', generate_instant(started_at), '"') END,
    CASE WHEN stopped_at IS NOT NULL THEN concat(
        ',"stoppedAt":"', generate_instant(stopped_at), '","duration":', duration_s
    ) END,
    CASE WHEN trigger_payload IS NOT NULL AND status = 'success' THEN concat(
        ',"inputData":', trigger_payload, ',"outputData":{"ok":true,"reference":"', token, '"}'
    ) END,
    CASE WHEN node_objects IS NOT NULL THEN concat(',"executionData":[', array_to_string(node_objects, ','), ']') END,
    CASE WHEN error_type IS NOT NULL THEN concat(
        ',"error":{"type":"', error_type, '","message":', to_json(error_message)::VARCHAR,
        CASE WHEN error_node_id IS NOT NULL THEN concat(',"nodeId":"', error_node_id, '"') END,
        ',"timestamp":"', generate_instant(error_at), '"}'
    ) END,
    CASE WHEN retry_of IS NOT NULL THEN concat(',"retryOf":"', retry_of, '"') END,
    CASE WHEN retry_success_id IS NOT NULL THEN concat(',"retrySuccessId":"', retry_success_id, '"') END,
    ',"metadata":{"retryCount":', retry_count,
    CASE WHEN queue_time_s IS NOT NULL THEN concat(',"queueTime":', queue_time_s) END,
    CASE WHEN memory_mb IS NOT NULL THEN concat(',"memoryUsage":', memory_mb) END,
    CASE WHEN node_count IS NOT NULL THEN concat(',"nodeCount":', node_count) END,
    CASE WHEN data_bytes IS NOT NULL THEN concat(',"dataTransferred":', data_bytes) END,
    '},"createdAt":"', generate_instant(created_at),
    '","updatedAt":"', generate_instant(updated_at), '"}', chr(10)
) AS line
FROM wrapped
ORDER BY begin_us, no
