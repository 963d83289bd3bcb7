-- The rows of node_runs of several executions, execution by execution, as find_node_runs.sql has them. View: chosen_node_runs.
-- $ids: list of text, the executions.
-- (A join, so that DuckDB hands the range of ids down to the files; list_contains would read every one.)
SELECT *
FROM chosen_node_runs
WHERE execution_id IN (SELECT unnest($ids))
ORDER BY execution_id, order_index, node_id, run_index
