-- Node runs of the contract typed.
-- One row is one element of an `executionData` (table `nodes`: node_no, position in the block, order_index, run_index by
-- occurrence, the text fields, error texts already masked), in no order.
-- is_fine: there is surely nothing wrong with it. False: contract_node_faults says what, if anything, is.
-- node_hash: over everything that is stored of the run.
WITH typed AS (
    SELECT
        *,
        contract_instant("startedAt") AS started_at,
        contract_instant("stoppedAt") AS given_stopped_at,
        contract_instant("error.timestamp") AS error_at,
        contract_number(duration) AS given_duration_s,
        status IN ('success', 'failed', 'cancelled', 'timeout') AS is_finished
    FROM nodes
),

timed AS (
    SELECT
        * EXCLUDE (run_index),
        coalesce(TRY_CAST("runIndex" AS INTEGER), run_index)::INTEGER AS run_index,
        CASE WHEN is_finished THEN given_stopped_at END AS stopped_at,
        CASE WHEN is_finished THEN
            coalesce(given_duration_s, date_diff('microsecond', started_at, given_stopped_at) / 1e6)
        END AS duration_s,
        contract_items("inputData") AS items_in,
        contract_items("outputData") AS items_out
    FROM typed
)

SELECT
    node_no,
    position,
    strlen(node_id) <= 512
        AND status IN ('success', 'failed', 'running', 'queued', 'cancelled', 'timeout')
        AND (started_at IS NOT NULL) = ("startedAt" IS NOT NULL)
        AND (given_stopped_at IS NOT NULL) = ("stoppedAt" IS NOT NULL)
        AND coalesce(given_stopped_at >= started_at, true)
        AND (given_duration_s IS NOT NULL) = (duration IS NOT NULL)
        AND coalesce(given_duration_s BETWEEN 0 AND 315576000, true)
        AND coalesce(duration_s <= 315576000, true)
        AND (error_at IS NOT NULL) = ("error.timestamp" IS NOT NULL)
        AND "runIndex" IS NULL
        AS is_fine,
    node_id,
    "nodeName" AS node_name,
    "nodeType" AS node_type,
    run_index,
    order_index,
    status,
    status AS source_status,
    started_at,
    stopped_at,
    duration_s,
    items_in,
    items_out,
    "error.type" AS error_type,
    "error.message" AS error_message,
    "error.stack" AS error_stack,
    error_at,
    hash(
        node_id, "nodeName", "nodeType", run_index, order_index, status, started_at, stopped_at, duration_s, items_in,
        items_out, "error.type", "error.message", "error.stack", error_at
    ) AS node_hash
FROM timed;
