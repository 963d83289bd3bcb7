-- An execution's id occurs once in the lake. One row a table with a fault: table, message, an example, rows.
WITH repeated AS (
    SELECT id, count(*) AS copies FROM executions GROUP BY id HAVING count(*) > 1
)
SELECT 'executions' AS "table", 'an id occurs more than once' AS message, min(id) AS example, sum(copies)::BIGINT AS rows
FROM repeated
HAVING count(*) > 0
ORDER BY "table"
