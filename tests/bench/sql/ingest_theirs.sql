-- What the Parquet file at $path holds, which DuckDB made of NDJSON: one row; counts, and sums of durations in seconds.
SELECT
    count(*) AS executions,
    sum(len(executionData))::BIGINT AS node_runs,
    sum(duration) AS total_s,
    sum(list_sum(list_transform(executionData, lambda node: node.duration))) AS nodes_total_s
FROM read_parquet($path)
