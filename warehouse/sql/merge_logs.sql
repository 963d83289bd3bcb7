-- Log lines of contested executions: the union of what the lake holds and what came.
--
-- In:  incoming  the batch's lines (record_no and the columns of `logs`)
--      stored    the lake's lines (the columns of `logs`)
--      merged    id, date: the executions and the partition each now has
-- Out: one row a line, ordered by execution and instant: the columns of `logs`, and is_new (the lake lacks it).
--
-- Two lines are the same when instant, level, node, message and data are; the same line n times in one record stays
-- n times, so the union takes the larger number of the two. seq counts the lines of one instant.
WITH numbered AS (
    SELECT *, false AS is_new, row_number() OVER same AS copy
    FROM stored
    WINDOW same AS (PARTITION BY execution_id, logged_at, level, node_id, message, data ORDER BY seq)
    UNION ALL BY NAME
    SELECT * EXCLUDE (record_no), true AS is_new, row_number() OVER same AS copy
    FROM incoming
    WINDOW same AS (PARTITION BY record_no, execution_id, logged_at, level, node_id, message, data ORDER BY seq)
),
lines AS (
    SELECT
        execution_id, logged_at, level, node_id, message, data,
        bool_and(is_new) AS is_new,
        min(seq) AS seq
    FROM numbered
    GROUP BY execution_id, logged_at, level, node_id, message, data, copy
)
SELECT
    lines.execution_id,
    (row_number() OVER (
        PARTITION BY lines.execution_id, lines.logged_at
        ORDER BY lines.seq, lines.level, lines.node_id, lines.message, lines.data
    ) - 1)::INT AS seq,
    lines.logged_at, lines.level, lines.node_id, lines.message, lines.data,
    merged.date,
    lines.is_new
FROM lines
JOIN merged ON merged.id = lines.execution_id
ORDER BY lines.execution_id, lines.logged_at, seq
