-- Rows of the view small_files (files of one partition of executions) in the order that a file has.
SELECT * FROM small_files ORDER BY coalesce(started_at, created_at), id
