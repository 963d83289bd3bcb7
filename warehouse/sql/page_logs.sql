-- The rows of logs of several executions, execution by execution, as find_logs.sql has them. View: chosen_logs.
-- $ids: list of text, the executions.
-- (A join, so that DuckDB hands the range of ids down to the files; list_contains would read every one.)
SELECT *
FROM chosen_logs
WHERE execution_id IN (SELECT unnest($ids))
ORDER BY execution_id, logged_at, seq
