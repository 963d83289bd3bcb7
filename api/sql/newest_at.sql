-- When the newest execution was placed. One row.
-- newest_at: instant; NULL: there is no execution.
SELECT max(coalesce(started_at, created_at)) AS newest_at
FROM executions
