-- What a lake holds: one row; counts, and sums of durations in seconds.
SELECT
    (SELECT count(*) FROM executions) AS executions,
    (SELECT count(*) FROM node_runs) AS node_runs,
    (SELECT sum(duration_s) FROM executions) AS total_s,
    (SELECT sum(duration_s) FROM node_runs) AS nodes_total_s
