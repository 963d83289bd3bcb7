-- The name each workflow of one executions file had last, and the newest state of knowledge in the file.
--
-- One row: one workflow of the file, by id, NULL last.
-- Reads the view rollup_source (one file of `executions`). No parameters.
--   workflow_name   of its execution placed last among those with a name, the greatest name on a tie; NULL: none has
--   named_at_us     when that one is placed, microseconds since 1970; NULL: no name
--   updated_at_us   largest updated_at among its executions, microseconds since 1970
WITH named AS (
    SELECT
        workflow_id,
        workflow_name,
        max(epoch_us(placed_at(started_at, created_at))) AS at_us,
        max(epoch_us(updated_at)) AS updated_at_us
    FROM rollup_source
    GROUP BY workflow_id, workflow_name
)
SELECT
    workflow_id,
    arg_max(workflow_name, (at_us, workflow_name)) FILTER (WHERE workflow_name IS NOT NULL) AS workflow_name,
    max(at_us) FILTER (WHERE workflow_name IS NOT NULL) AS named_at_us,
    max(updated_at_us) AS updated_at_us
FROM named
GROUP BY workflow_id
ORDER BY workflow_id NULLS LAST;
