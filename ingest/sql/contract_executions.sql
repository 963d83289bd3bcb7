-- Executions of the contract checked and typed.
-- One row is one record of `parsed` (the text fields of contract_parse, error texts already masked), in no order.
-- reject: {field, reason, value}, the first fault in the order of the contract's fields. NULL: accepted.
-- The other columns are those of the table `executions`; they mean nothing where reject is not NULL.
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
    CASE
        WHEN NOT is_json THEN contract_refuse(NULL, 'the record is not JSON', NULL)
        WHEN key_count = 0 THEN contract_refuse(NULL, 'the record is not an object, or an empty one', NULL)
        WHEN id IS NULL THEN contract_refuse('id', 'the id is missing', NULL)
        WHEN trim(id) = '' THEN contract_refuse('id', 'the id is empty', id)
        WHEN strlen(id) > 512
            THEN contract_refuse('id', 'the id has ' || strlen(id) || ' bytes, at most 512 are allowed', id)
        WHEN strlen("workflowId") > 512
            THEN contract_refuse('workflowId', 'the id has more than 512 bytes', "workflowId")
        WHEN status IS NULL
            THEN contract_refuse('status', 'the status is missing', NULL)
        WHEN status NOT IN ('queued', 'running', 'success', 'failed', 'cancelled', 'timeout')
            THEN contract_refuse(
                'status', 'unknown status; allowed: queued, running, success, failed, cancelled, timeout', status
            )
        WHEN mode IS NULL THEN contract_refuse('mode', 'the mode is missing', NULL)
        WHEN mode NOT IN ('manual', 'trigger', 'webhook', 'scheduled', 'retry')
            THEN contract_refuse('mode', 'unknown mode; allowed: manual, trigger, webhook, scheduled, retry', mode)
        WHEN "trigger.timestamp" IS NOT NULL AND trigger_at IS NULL
            THEN contract_refuse('trigger.timestamp', 'not an ISO 8601 instant of the years 1970 to 2261', "trigger.timestamp")
        WHEN "startedAt" IS NOT NULL AND started_at IS NULL
            THEN contract_refuse('startedAt', 'not an ISO 8601 instant of the years 1970 to 2261', "startedAt")
        WHEN "stoppedAt" IS NOT NULL AND given_stopped_at IS NULL
            THEN contract_refuse('stoppedAt', 'not an ISO 8601 instant of the years 1970 to 2261', "stoppedAt")
        WHEN given_stopped_at < started_at
            THEN contract_refuse('stoppedAt', 'stopped before it started (startedAt ' || "startedAt" || ')', "stoppedAt")
        WHEN duration IS NOT NULL AND given_duration_s IS NULL
            THEN contract_refuse('duration', 'not a number of seconds', duration)
        WHEN contract_bad_seconds(duration)
            THEN contract_refuse('duration', 'not between 0 and 315576000 seconds (ten years)', duration)
        WHEN duration_s > 315576000
            THEN contract_refuse('stoppedAt', 'more than ten years after startedAt ' || "startedAt", "stoppedAt")
        WHEN "error.timestamp" IS NOT NULL AND error_at IS NULL
            THEN contract_refuse('error.timestamp', 'not an ISO 8601 instant of the years 1970 to 2261', "error.timestamp")
        WHEN contract_bad_count("metadata.retryCount", 2147483647)
            THEN contract_refuse('metadata.retryCount', 'not a whole number from 0 to 2147483647', "metadata.retryCount")
        WHEN contract_bad_seconds("metadata.queueTime")
            THEN contract_refuse(
                'metadata.queueTime', 'not a number of seconds between 0 and 315576000 (ten years)', "metadata.queueTime"
            )
        WHEN "metadata.memoryUsage" IS NOT NULL
            AND coalesce(contract_number("metadata.memoryUsage") NOT BETWEEN 0 AND 1e12, true)
            THEN contract_refuse('metadata.memoryUsage', 'not a number of MiB from 0 on', "metadata.memoryUsage")
        WHEN contract_bad_count("metadata.nodeCount", 2147483647)
            THEN contract_refuse('metadata.nodeCount', 'not a whole number from 0 to 2147483647', "metadata.nodeCount")
        WHEN contract_bad_count("metadata.dataTransferred", 9223372036854775807)
            THEN contract_refuse(
                'metadata.dataTransferred', 'not a whole number from 0 to 9223372036854775807',
                "metadata.dataTransferred"
            )
        WHEN "waitTill" IS NOT NULL AND wait_till IS NULL AND "waitTill" NOT LIKE '3000-01-01%'
            THEN contract_refuse('waitTill', 'not an ISO 8601 instant of the years 1970 to 2261', "waitTill")
        WHEN "createdAt" IS NOT NULL AND given_created_at IS NULL
            THEN contract_refuse('createdAt', 'not an ISO 8601 instant of the years 1970 to 2261', "createdAt")
        WHEN "updatedAt" IS NOT NULL AND given_updated_at IS NULL
            THEN contract_refuse('updatedAt', 'not an ISO 8601 instant of the years 1970 to 2261', "updatedAt")
        WHEN created_at IS NULL
            THEN contract_refuse('startedAt', 'neither startedAt nor createdAt nor stoppedAt says when it was', NULL)
    END AS reject,
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
    CASE WHEN "error.type" IS NOT NULL OR "error.message" IS NOT NULL
        THEN error_fingerprint("error.type", "error.message")
    END AS error_fingerprint,
    "retryOf" AS retry_of,
    "retrySuccessId" AS retry_success_id,
    TRY_CAST("metadata.retryCount" AS INTEGER) AS retry_count,
    contract_number("metadata.queueTime") AS queue_time_s,
    contract_number("metadata.memoryUsage") AS memory_mb,
    coalesce(TRY_CAST("metadata.nodeCount" AS INTEGER), node_runs)::INTEGER AS node_count,
    TRY_CAST("metadata.dataTransferred" AS BIGINT) AS data_bytes,
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
