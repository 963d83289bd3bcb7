-- Rows of the view small_files (files of one partition of payloads) in the order that a file has.
SELECT * FROM small_files ORDER BY execution_id, node_id NULLS FIRST, run_index, kind
