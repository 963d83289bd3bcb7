-- Rows of the view small_files (files of one partition of node_runs) in the order that a file has.
SELECT * FROM small_files ORDER BY started_at NULLS FIRST, execution_id, order_index
