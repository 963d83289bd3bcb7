-- The execution with this id: one row or none. $id: text. View: chosen_executions.
-- (A plain comparison with a constant: DuckDB asks the Bloom filters of the files.)
SELECT * FROM chosen_executions WHERE id = $id
