-- The error groups that occur in one executions file.
--
-- One row: one fingerprint among the file's unsuccessful executions (failed, cancelled, timeout), by fingerprint.
-- Reads the view rollup_source (one file of `executions`). No parameters.
--   executions               how many
--   first_at_us, last_at_us  when the first and the last are placed, microseconds since 1970
SELECT
    error_fingerprint AS fingerprint,
    count(*) AS executions,
    epoch_us(min(placed_at(started_at, created_at))) AS first_at_us,
    epoch_us(max(placed_at(started_at, created_at))) AS last_at_us
FROM rollup_source
WHERE error_fingerprint IS NOT NULL AND status IN ('failed', 'cancelled', 'timeout')
GROUP BY fingerprint
ORDER BY fingerprint;
