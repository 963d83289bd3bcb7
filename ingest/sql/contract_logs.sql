-- Log lines of the contract typed.
-- One row is one element of a `logs` (table `lines`: line_no, position in the block, line_index, the text fields,
-- message and data already masked), in no order.
-- is_fine: there is surely nothing wrong with it. False: contract_log_faults says what is.
SELECT
    line_no,
    position,
    coalesce(
        contract_instant("timestamp") IS NOT NULL AND level IN ('debug', 'info', 'warn', 'error')
        AND message IS NOT NULL,
        false
    ) AS is_fine,
    contract_instant("timestamp") AS logged_at,
    level,
    "nodeId" AS node_id,
    message,
    data
FROM lines;
