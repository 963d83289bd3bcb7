-- Executions as the contract's Execution objects, without node data: one row is one JSON text, in the
-- order of the view `chosen_executions`.
--
-- Parameters: those of matching_executions (filters.sql); $cut_at, $cut_id: only executions that come before this
-- instant and id in the order of the export, NULL: all; $after_at, $after_id:
-- only those that come after these; $head, $tail: text before and after
-- each object.
-- Keys are the contract's, in camelCase; beside them retryOf, retrySuccessId, waitTill,
-- workflowVersionId, parentExecutionId, parentWorkflowId and customData, which ingest takes back too.
-- A key whose value is not known is left out. Instants: ISO 8601 with Z; durations: seconds.
SELECT concat(
    $head::VARCHAR,
    '{"id":', export_string(id),
    export_member('workflowId', export_string(workflow_id)),
    export_member('workflowName', export_string(workflow_name)),
    ',"status":"', status,
    '","mode":"', mode, '"',
    CASE WHEN trigger_type IS NULL AND trigger_source IS NULL AND trigger_at IS NULL THEN '' ELSE concat(
        ',"trigger":{', substr(concat(
            export_member('type', export_string(trigger_type)),
            export_member('source', export_string(trigger_source)),
            export_member('timestamp', export_json_instant(trigger_at))
        ), 2), '}'
    ) END,
    export_member('startedAt', export_json_instant(started_at)),
    export_member('stoppedAt', export_json_instant(stopped_at)),
    export_member('duration', duration_s::VARCHAR),
    CASE WHEN error_type IS NULL AND error_message IS NULL THEN '' ELSE concat(
        ',"error":{', substr(concat(
            export_member('type', export_string(error_type)),
            export_member('message', export_string(error_message)),
            export_member('stack', export_string(error_stack)),
            export_member('nodeId', export_string(error_node_id)),
            export_member('timestamp', export_json_instant(error_at))
        ), 2), '}'
    ) END,
    export_member('retryOf', export_string(retry_of)),
    export_member('retrySuccessId', export_string(retry_success_id)),
    CASE
        WHEN coalesce(retry_count, queue_time_s, memory_mb, node_count, data_bytes) IS NULL THEN ''
        ELSE concat(
            ',"metadata":{', substr(concat(
                export_member('retryCount', retry_count::VARCHAR),
                export_member('queueTime', queue_time_s::VARCHAR),
                export_member('memoryUsage', memory_mb::VARCHAR),
                export_member('nodeCount', node_count::VARCHAR),
                export_member('dataTransferred', data_bytes::VARCHAR)
            ), 2), '}'
        )
    END,
    export_member('waitTill', export_json_instant(wait_till)),
    export_member('workflowVersionId', export_string(workflow_version_id)),
    export_member('parentExecutionId', export_string(parent_execution_id)),
    export_member('parentWorkflowId', export_string(parent_workflow_id)),
    export_member('customData', custom_data),
    -- The engine's own words, where the record came from another engine.
    CASE WHEN source = 'runlake' THEN '' ELSE concat(
        ',"source":', export_string(source),
        ',"sourceStatus":', export_string(source_status),
        ',"sourceMode":', export_string(source_mode)
    ) END,
    ',"createdAt":', export_json_instant(created_at),
    ',"updatedAt":', export_json_instant(updated_at),
    '}', $tail::VARCHAR
) AS line
FROM matching_executions(
    $since, $until, $workflow_ids, $statuses, $modes, $error_types, $fingerprint, $min_duration_s,
    $retry_of, $error_text
)
WHERE ($cut_at IS NULL OR (placed_at(started_at, created_at), id) < ($cut_at, $cut_id))
    AND (
        $after_at IS NULL
        OR placed_at(started_at, created_at) > $after_at::TIMESTAMPTZ
        OR (placed_at(started_at, created_at) = $after_at::TIMESTAMPTZ AND id > $after_id)
    )
