-- The rows of payloads of several executions, execution by execution, as find_payloads.sql has them. View: chosen_payloads.
-- $ids: list of text, the executions.
-- (A join, so that DuckDB hands the range of ids down to the files; list_contains would read every one.)
SELECT *
FROM chosen_payloads
WHERE execution_id IN (SELECT unnest($ids))
ORDER BY execution_id, node_id NULLS FIRST, run_index, kind
