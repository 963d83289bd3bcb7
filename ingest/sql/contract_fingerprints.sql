-- The group of each error. Apart from contract_executions, because making its patterns ready costs 8 ms a query.
-- One row is one record of `errors` (error_no, error_type, error_message: one of both is there), in no order.
SELECT
    error_no,
    error_fingerprint(error_type, error_message) AS error_fingerprint
FROM errors;
