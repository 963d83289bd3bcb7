-- Log lines of one execution, oldest first: one row is one line, at most $rows_wanted of them. View: chosen_logs.
--
-- $id: the execution, text; $levels: list of text; $node_id: only of this node, NULL: all; $has_after: only what comes
-- after the line ($after_at, $after_seq).
SELECT *
FROM chosen_logs
WHERE execution_id = $id
    AND list_contains($levels, level)
    AND ($node_id IS NULL OR node_id = $node_id)
    AND (NOT $has_after OR logged_at > $after_at::TIMESTAMPTZ OR (logged_at = $after_at::TIMESTAMPTZ AND seq > $after_seq))
ORDER BY logged_at, seq
LIMIT $rows_wanted
