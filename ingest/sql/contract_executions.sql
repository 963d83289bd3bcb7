-- Executions of the contract typed.
-- One row is one record of `parsed` (the text fields of contract_parse, error texts already masked), in no order.
-- is_fine: there is surely nothing wrong with it. False: contract_execution_faults says what, if anything, is.
-- The other columns are those of the table `executions`, without error_fingerprint; they mean nothing where the record has a fault.
WITH typed AS (
    SELECT
        *,
        contract_instant("startedAt") AS started_at,
        contract_instant("stoppedAt") AS given_stopped_at,
        contract_instant("createdAt") AS given_created_at,
        contract_instant("updatedAt") AS given_updated_at,
        contract_instant("waitTill") AS wait_till,
        contract_instant("trigger.timestamp") AS trigger_at,
        contract_instant("error.timestamp") AS error_at,
        contract_number(duration) AS given_duration_s,
        TRY_CAST("metadata.retryCount" AS INTEGER) AS retry_count,
        contract_number("metadata.queueTime") AS queue_time_s,
        contract_number("metadata.memoryUsage") AS memory_mb,
        TRY_CAST("metadata.nodeCount" AS INTEGER) AS given_node_count,
        TRY_CAST("metadata.dataTransferred" AS BIGINT) AS data_bytes,
        status IN ('success', 'failed', 'cancelled', 'timeout') AS is_finished
    FROM parsed
),

timed AS (
    SELECT
        *,
        CASE WHEN is_finished THEN given_stopped_at END AS stopped_at,
        CASE WHEN is_finished THEN
            coalesce(given_duration_s, date_diff('microsecond', started_at, given_stopped_at) / 1e6)
        END AS duration_s,
        coalesce(given_created_at, started_at, given_stopped_at) AS created_at
    FROM typed
)

SELECT
    position,
    record_no,
    is_json AND is_object
        AND strlen(id) BETWEEN 1 AND 512 AND id[1] <> ' '
        AND coalesce(strlen("workflowId") <= 512, true)
        AND is_finished IS NOT NULL
        AND status IN ('success', 'failed', 'running', 'queued', 'cancelled', 'timeout')
        AND mode IN ('manual', 'trigger', 'webhook', 'scheduled', 'retry')
        AND (started_at IS NOT NULL) = ("startedAt" IS NOT NULL)
        AND (given_stopped_at IS NOT NULL) = ("stoppedAt" IS NOT NULL)
        AND (given_created_at IS NOT NULL) = ("createdAt" IS NOT NULL)
        AND (given_updated_at IS NOT NULL) = ("updatedAt" IS NOT NULL)
        AND (trigger_at IS NOT NULL) = ("trigger.timestamp" IS NOT NULL)
        AND (error_at IS NOT NULL) = ("error.timestamp" IS NOT NULL)
        AND (wait_till IS NOT NULL) = ("waitTill" IS NOT NULL)
        AND coalesce(given_stopped_at >= started_at, true)
        AND (given_duration_s IS NOT NULL) = (duration IS NOT NULL)
        AND coalesce(given_duration_s BETWEEN 0 AND 315576000, true)
        AND coalesce(duration_s <= 315576000, true)
        AND (retry_count IS NOT NULL) = ("metadata.retryCount" IS NOT NULL)
        AND coalesce(retry_count >= 0 AND retry_count = contract_number("metadata.retryCount"), true)
        AND (queue_time_s IS NOT NULL) = ("metadata.queueTime" IS NOT NULL)
        AND coalesce(queue_time_s BETWEEN 0 AND 315576000, true)
        AND (memory_mb IS NOT NULL) = ("metadata.memoryUsage" IS NOT NULL)
        AND coalesce(memory_mb BETWEEN 0 AND 1e12, true)
        AND (given_node_count IS NOT NULL) = ("metadata.nodeCount" IS NOT NULL)
        AND coalesce(given_node_count >= 0 AND given_node_count = contract_number("metadata.nodeCount"), true)
        AND (data_bytes IS NOT NULL) = ("metadata.dataTransferred" IS NOT NULL)
        AND coalesce(data_bytes >= 0 AND data_bytes = contract_number("metadata.dataTransferred"), true)
        AND created_at IS NOT NULL
        AS is_fine,
    id,
    "workflowId" AS workflow_id,
    "workflowName" AS workflow_name,
    status,
    mode,
    "trigger.type" AS trigger_type,
    "trigger.source" AS trigger_source,
    trigger_at,
    started_at,
    stopped_at,
    duration_s,
    "error.type" AS error_type,
    "error.message" AS error_message,
    "error.nodeId" AS error_node_id,
    "error.stack" AS error_stack,
    error_at,
    "retryOf" AS retry_of,
    "retrySuccessId" AS retry_success_id,
    retry_count,
    queue_time_s,
    memory_mb,
    coalesce(given_node_count, node_runs)::INTEGER AS node_count,
    data_bytes,
    wait_till,
    "workflowVersionId" AS workflow_version_id,
    "parentExecutionId" AS parent_execution_id,
    "parentWorkflowId" AS parent_workflow_id,
    "customData" AS custom_data,
    'runlake' AS source,
    status AS source_status,
    mode AS source_mode,
    created_at,
    coalesce(given_updated_at, given_stopped_at, started_at, created_at) AS updated_at,
    coalesce(started_at, created_at)::DATE AS date
FROM timed;
