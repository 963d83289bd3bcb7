-- $copies of each row of the view `source_executions` (columns of `executions`), sorted as a data file is.
--
-- One row is one execution. A copy has an id of its own and begins up to 10 s earlier or later, unless that is in
-- another hour; it ends so that it lasts up to 5 % shorter or longer (NULL stays NULL).
WITH copied AS (
    SELECT
        source.*,
        copy_no,
        (hash(id, copy_no, 1) % 20_000_001)::BIGINT - 10_000_000 AS drawn_us,
        0.95 + 0.1 * (hash(id, copy_no, 2) % 1_000_000) / 1e6 AS stretch
    FROM source_executions AS source, range($copies) AS copies(copy_no)
),
placed AS (
    SELECT
        *,
        CASE
            WHEN epoch_us(coalesce(started_at, created_at)) // 3_600_000_000
                = (epoch_us(coalesce(started_at, created_at)) + drawn_us) // 3_600_000_000
            THEN drawn_us ELSE 0
        END AS shift_us
    FROM copied
),
timed AS (
    SELECT * REPLACE (
        id || '_' || copy_no AS id,
        trigger_at + to_microseconds(shift_us) AS trigger_at,
        started_at + to_microseconds(shift_us) AS started_at,
        stopped_at + to_microseconds(shift_us + round(1e6 * coalesce(duration_s, 0) * (stretch - 1))::BIGINT) AS stopped_at,
        round(duration_s + duration_s * (stretch - 1), 6) AS duration_s,
        created_at + to_microseconds(shift_us) AS created_at,
        updated_at + to_microseconds(shift_us + round(1e6 * coalesce(duration_s, 0) * (stretch - 1))::BIGINT) AS updated_at
    )
    FROM placed
)
SELECT * EXCLUDE (copy_no, drawn_us, stretch, shift_us)
FROM timed
ORDER BY coalesce(started_at, created_at), id
