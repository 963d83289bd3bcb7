-- What is wrong with log lines of the contract; for the few that contract_logs is not sure about.
-- One row is one element of a `logs` (table `lines`) with a fault: position of its record, and
-- reject {field, reason, value}; by line_index.
WITH typed AS (
    SELECT
        *,
        contract_instant("timestamp") AS logged_at,
        'logs[' || line_index || '].' AS place
    FROM lines
)

SELECT
    position,
    CASE
        WHEN logged_at IS NULL
            THEN contract_refuse(place || 'timestamp', 'not an ISO 8601 instant of the years 1970 to 2261', "timestamp")
        WHEN coalesce(level NOT IN ('debug', 'info', 'warn', 'error'), true)
            THEN contract_refuse(place || 'level', 'unknown level; allowed: debug, info, warn, error', level)
        WHEN message IS NULL THEN contract_refuse(place || 'message', 'the message is missing', NULL)
    END AS reject
FROM typed
WHERE reject IS NOT NULL
ORDER BY position, line_index;
