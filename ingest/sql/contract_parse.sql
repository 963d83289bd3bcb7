-- Execution objects of the contract taken apart.
-- One row is one record of `records` (position, record_no, raw), in no order.
-- r: the declared fields; NULL: the text is not JSON. A field is NULL where it is missing, null, or (an object or
--    a list) of the wrong type; numbers and whatever is kept as it came are JSON text.
-- is_object: false: the text is an array or a scalar. Means nothing where r is NULL.
SELECT
    position,
    record_no,
    TRY(from_json(raw, '{
        "id": "VARCHAR",
        "workflowId": "VARCHAR",
        "workflowName": "VARCHAR",
        "status": "VARCHAR",
        "mode": "VARCHAR",
        "trigger": {"type": "VARCHAR", "source": "VARCHAR", "timestamp": "VARCHAR", "payload": "JSON"},
        "startedAt": "VARCHAR",
        "stoppedAt": "VARCHAR",
        "duration": "JSON",
        "inputData": "JSON",
        "outputData": "JSON",
        "executionData": [{
            "nodeId": "VARCHAR", "nodeName": "VARCHAR", "nodeType": "VARCHAR", "status": "VARCHAR",
            "startedAt": "VARCHAR", "stoppedAt": "VARCHAR", "duration": "JSON", "runIndex": "JSON",
            "inputData": "JSON", "outputData": "JSON",
            "error": {"type": "VARCHAR", "message": "VARCHAR", "stack": "VARCHAR", "timestamp": "VARCHAR"}
        }],
        "error": {
            "type": "VARCHAR", "message": "VARCHAR", "stack": "VARCHAR", "nodeId": "VARCHAR", "timestamp": "VARCHAR"
        },
        "metadata": {
            "retryCount": "JSON", "queueTime": "JSON", "memoryUsage": "JSON", "nodeCount": "JSON",
            "dataTransferred": "JSON"
        },
        "logs": [{
            "timestamp": "VARCHAR", "level": "VARCHAR", "nodeId": "VARCHAR", "message": "VARCHAR", "data": "JSON"
        }],
        "customData": "JSON",
        "retryOf": "VARCHAR",
        "retrySuccessId": "VARCHAR",
        "waitTill": "VARCHAR",
        "workflowVersionId": "VARCHAR",
        "parentExecutionId": "VARCHAR",
        "parentWorkflowId": "VARCHAR",
        "createdAt": "VARCHAR",
        "updatedAt": "VARCHAR"
    }')) AS r,
    CASE WHEN starts_with(raw, '{') THEN true ELSE coalesce(TRY(json_type(raw)) = 'OBJECT', false) END AS is_object
FROM records;
