-- Executions to ask for, %(rows)s of those whose ids in the lake are known, in an order that is always the same; one row
-- is one execution.
SELECT a.id, a.runlake_id, coalesce(e."startedAt", e."createdAt") AS placed_at
FROM asked AS a
JOIN execution_entity AS e USING (id)
ORDER BY md5(a.id::TEXT)
LIMIT %(rows)s
