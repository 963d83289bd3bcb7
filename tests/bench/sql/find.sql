-- The execution with $id of the view `executions`: one row, or none.
SELECT *
FROM executions
WHERE id = $id
