-- Rows of the view small_files (files of one partition of logs) in the order that a file has.
SELECT * FROM small_files ORDER BY logged_at, execution_id, seq
