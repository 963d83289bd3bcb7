-- What is wrong with executions of the contract; for the few that contract_executions is not sure about.
-- One row is one record of `parsed` (the text fields of contract_parse) with a fault: the first of them in the order
-- of the contract's fields, as position, reject {field, reason, value}.
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
    CASE
        WHEN NOT is_json THEN contract_refuse(NULL, 'the record is not JSON', NULL)
        WHEN NOT is_object THEN contract_refuse(NULL, 'the record is not an object', NULL)
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
        WHEN "waitTill" IS NOT NULL AND wait_till IS NULL
            THEN contract_refuse('waitTill', 'not an ISO 8601 instant of the years 1970 to 2261', "waitTill")
        WHEN "createdAt" IS NOT NULL AND given_created_at IS NULL
            THEN contract_refuse('createdAt', 'not an ISO 8601 instant of the years 1970 to 2261', "createdAt")
        WHEN "updatedAt" IS NOT NULL AND given_updated_at IS NULL
            THEN contract_refuse('updatedAt', 'not an ISO 8601 instant of the years 1970 to 2261', "updatedAt")
        WHEN created_at IS NULL
            THEN contract_refuse('startedAt', 'neither startedAt nor createdAt nor stoppedAt says when it was', NULL)
    END AS reject
FROM timed
WHERE reject IS NOT NULL;
