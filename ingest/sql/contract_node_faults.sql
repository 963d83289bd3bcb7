-- What is wrong with node runs of the contract; for the few that contract_nodes is not sure about.
-- One row is one element of an `executionData` (table `nodes`) with a fault: position of its record, order_index,
-- and reject {field, reason, value}; by order_index.
WITH typed AS (
    SELECT
        *,
        contract_instant("startedAt") AS started_at,
        contract_instant("stoppedAt") AS given_stopped_at,
        contract_instant("error.timestamp") AS error_at,
        contract_number(duration) AS given_duration_s,
        status IN ('success', 'failed', 'cancelled', 'timeout') AS is_finished,
        'executionData[' || order_index || '].' AS place
    FROM nodes
),

timed AS (
    SELECT
        *,
        CASE WHEN is_finished THEN
            coalesce(given_duration_s, date_diff('microsecond', started_at, given_stopped_at) / 1e6)
        END AS duration_s
    FROM typed
)

SELECT
    position,
    CASE
        WHEN node_id IS NULL THEN contract_refuse(place || 'nodeId', 'neither nodeId nor nodeName is there', NULL)
        WHEN strlen(node_id) > 512 THEN contract_refuse(place || 'nodeId', 'the id has more than 512 bytes', node_id)
        WHEN status IS NULL THEN contract_refuse(place || 'status', 'the status is missing', NULL)
        WHEN status NOT IN ('queued', 'running', 'success', 'failed', 'cancelled', 'timeout')
            THEN contract_refuse(
                place || 'status',
                'unknown status; allowed: queued, running, success, failed, cancelled, timeout', status
            )
        WHEN "startedAt" IS NOT NULL AND started_at IS NULL
            THEN contract_refuse(place || 'startedAt', 'not an ISO 8601 instant of the years 1970 to 2261', "startedAt")
        WHEN "stoppedAt" IS NOT NULL AND given_stopped_at IS NULL
            THEN contract_refuse(place || 'stoppedAt', 'not an ISO 8601 instant of the years 1970 to 2261', "stoppedAt")
        WHEN given_stopped_at < started_at
            THEN contract_refuse(
                place || 'stoppedAt', 'stopped before it started (startedAt ' || "startedAt" || ')', "stoppedAt"
            )
        WHEN contract_bad_seconds(duration)
            THEN contract_refuse(
                place || 'duration', 'not a number of seconds between 0 and 315576000 (ten years)', duration
            )
        WHEN duration_s > 315576000
            THEN contract_refuse(place || 'stoppedAt', 'more than ten years after startedAt ' || "startedAt", "stoppedAt")
        WHEN contract_bad_count("runIndex", 2147483647)
            THEN contract_refuse(place || 'runIndex', 'not a whole number from 0 to 2147483647', "runIndex")
        WHEN "error.timestamp" IS NOT NULL AND error_at IS NULL
            THEN contract_refuse(
                place || 'error.timestamp', 'not an ISO 8601 instant of the years 1970 to 2261', "error.timestamp"
            )
    END AS reject
FROM timed
WHERE reject IS NOT NULL
ORDER BY position, order_index;
