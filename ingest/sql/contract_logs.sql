-- Log lines of the contract checked and typed.
-- One row is one element of a `logs` (table `lines`: line_no, position in the block, line_index, the text fields, message and
-- data already masked), in no order. reject: {field, reason, value}; NULL: accepted.
WITH typed AS (
    SELECT
        *,
        contract_instant("timestamp") AS logged_at,
        'logs[' || line_index || '].' AS place
    FROM lines
)

SELECT
    line_no,
    position,
    CASE
        WHEN logged_at IS NULL
            THEN contract_refuse(place || 'timestamp', 'not an ISO 8601 instant of the years 1970 to 2261', "timestamp")
        WHEN coalesce(level NOT IN ('debug', 'info', 'warn', 'error'), true)
            THEN contract_refuse(place || 'level', 'unknown level; allowed: debug, info, warn, error', level)
        WHEN message IS NULL THEN contract_refuse(place || 'message', 'the message is missing', NULL)
    END AS reject,
    logged_at,
    level,
    "nodeId" AS node_id,
    message,
    data
FROM typed;
