-- The drawn facts of the records $from_no .. $to_no - 1, ordered by no. One row is one record.
--
-- $seed, $from_no, $to_no (a slice starts at the first record of a day or at a multiple of 64 after it),
-- $until_us: end of the window, microseconds since 1970; $unfinished_no: this record and later ones have not ended;
-- $queued_no: this record and later ones have not begun.
-- Tables: generate_slots, generate_workflows, generate_picks (see ingest/generate_tables.py).
--
-- Retries: the records of a day stand in blocks of 64. The first failed one of a block that may be tried again is
-- repeated by the block's last record but one, and, if that fails too, by the last one.
--
-- begin_us: start (of a queued one: creation). duration_ms, stop_us: NULL when it has not ended. family: error family,
-- NULL: no error. fail_node: index of the node that failed. attempt: retries before it; parent_no: the record it
-- repeats; success_no: the retry of it that succeeded.
CREATE OR REPLACE TEMP TABLE generate_rows AS
WITH numbered AS (
    SELECT
        slot.*,
        unnest(range(greatest(first_no, $from_no), least(first_no + executions, $to_no))) AS no
    FROM generate_slots AS slot
    WHERE first_no < $to_no AND first_no + executions > $from_no
),
picked AS (
    SELECT
        numbered.*,
        flow.* EXCLUDE (workflow_name, trigger_source, node_names, node_types, node_cuts, node_ids),
        day_first_no + (no - day_first_no) // 64 * 64 AS block_no,
        (no - day_first_no) % 64 AS block_place,
        least(64, day_executions - (no - day_first_no) // 64 * 64) AS block_rows
    FROM numbered
    JOIN generate_picks AS pick
        ON pick.off_hours = numbered.off_hours AND pick.bucket = (generate_uniform($seed, no, 1) * 16384)::INTEGER % 16384
    JOIN generate_workflows AS flow USING (workflow_no)
),
timed AS (
    SELECT
        *,
        -- A schedule fires at its minutes, a second or two late; everything else at any instant of the hour.
        1000 * (CASE
            WHEN interval_s > 0
                THEN greatest(start_us, least(end_us - 1000,
                    hour_us + 1000000 * interval_s * floor(generate_uniform($seed, no, 2) * 3600 / interval_s)::BIGINT
                    + floor(1500000 * generate_uniform($seed, no, 3) * generate_uniform($seed, no, 4))::BIGINT))
            ELSE start_us + floor((end_us - start_us) * generate_uniform($seed, no, 2))::BIGINT
        END // 1000) AS begin_us
    FROM picked
),
lasting AS (
    SELECT
        *,
        median_ms * exp(sigma * generate_normal($seed, no, 5)) * CASE
            WHEN slows_from_us IS NULL OR begin_us < slows_from_us THEN 1.0
            ELSE 1.0 + (slows_to - 1.0) * (begin_us - slows_from_us) / ($until_us - slows_from_us)
        END * CASE WHEN generate_uniform($seed, no, 17) < 0.0015 THEN 60.0 ELSE 1.0 END AS drawn_ms, -- it hangs
        greatest(
            failure_rate,
            coalesce(database_rate, 0.0),
            CASE WHEN outage THEN coalesce(outage_rate, 0.0) ELSE 0.0 END
        ) AS usual_rate,
        CASE WHEN begin_us >= new_error_from_us THEN new_error_rate ELSE 0.0 END AS new_rate,
        generate_uniform($seed, no, 7) AS outcome
    FROM timed
),
judged AS (
    SELECT
        *,
        CASE
            WHEN no >= $queued_no THEN 'queued'
            WHEN no >= $unfinished_no THEN 'running'
            WHEN outcome < usual_rate + new_rate THEN 'failed'
            WHEN drawn_ms >= time_limit_ms THEN 'timeout'
            WHEN outcome > 0.997 THEN 'cancelled'
            ELSE 'success'
        END AS verdict,
        CASE
            WHEN no >= $unfinished_no THEN NULL
            WHEN outcome < new_rate THEN 12
            WHEN outcome < usual_rate + new_rate THEN CASE
                WHEN outage AND outage_rate IS NOT NULL AND outcome > failure_rate THEN 10
                WHEN database_rate IS NOT NULL AND outcome > failure_rate THEN 11
                ELSE (error_base + floor(3.0 * generate_uniform($seed, no, 8) ^ 2)::INTEGER) % 9
            END
            WHEN drawn_ms >= time_limit_ms THEN 9
        END AS family
    FROM lasting
),
firsts AS (
    SELECT
        no, block_no, block_place, block_rows, limit_us, workflow_no, verdict, family, begin_us, queue_s, outcome,
        greatest(1, least(
            time_limit_ms + floor(40 * generate_uniform($seed, no, 9)),
            drawn_ms * CASE verdict
                WHEN 'failed' THEN 0.15 + 0.85 * generate_uniform($seed, no, 9)
                WHEN 'cancelled' THEN generate_uniform($seed, no, 9)
                ELSE 1.0
            END
        )::BIGINT) AS length_ms,
        0 AS attempt,
        NULL::BIGINT AS parent_no
    FROM judged
),
-- The failed record of each block that is tried again, and when.
repeated AS (
    SELECT block_no, unnest(arg_min(firsts, no))
    FROM firsts
    WHERE verdict IN ('failed', 'timeout')
        AND block_rows >= 8 AND block_place < block_rows - 2
        AND generate_uniform($seed, no, 10) < 0.8
        AND begin_us + length_ms * 1000 + 65000000 < least(limit_us, $until_us)
    GROUP BY block_no
),
second AS (
    SELECT
        own.no, own.block_no, own.block_place, own.block_rows, own.limit_us, parent.workflow_no,
        CASE WHEN own.no >= $unfinished_no THEN own.verdict WHEN own.again < 0.4 THEN 'failed' ELSE 'success' END AS verdict,
        CASE WHEN own.no < $unfinished_no AND own.again < 0.4 THEN coalesce(nullif(parent.family, 9), 0) END AS family,
        parent.begin_us + parent.length_ms * 1000 + 1000 * (5000 + floor(60000 * own.wait))::BIGINT AS begin_us,
        own.queue_s, own.outcome,
        greatest(1, (parent.length_ms * (0.5 + own.outcome))::BIGINT) AS length_ms,
        1 AS attempt,
        parent.no AS parent_no
    FROM (
        SELECT *, generate_uniform($seed, no, 11) AS again, generate_uniform($seed, no, 12) AS wait FROM firsts
    ) AS own
    JOIN repeated AS parent USING (block_no)
    WHERE own.block_place = own.block_rows - 2
),
third AS (
    SELECT
        own.no, own.block_no, own.block_place, own.block_rows, own.limit_us, parent.workflow_no,
        CASE WHEN own.no >= $unfinished_no THEN own.verdict WHEN own.again < 0.25 THEN 'failed' ELSE 'success' END AS verdict,
        CASE WHEN own.no < $unfinished_no AND own.again < 0.25 THEN parent.family END AS family,
        parent.begin_us + parent.length_ms * 1000 + 1000 * (5000 + floor(60000 * own.wait))::BIGINT AS begin_us,
        own.queue_s, own.outcome,
        greatest(1, (parent.length_ms * (0.5 + own.outcome))::BIGINT) AS length_ms,
        2 AS attempt,
        parent.no AS parent_no
    FROM (
        SELECT *, generate_uniform($seed, no, 11) AS again, generate_uniform($seed, no, 12) AS wait FROM firsts
    ) AS own
    JOIN second AS parent USING (block_no)
    WHERE own.block_place = own.block_rows - 1
        AND parent.verdict = 'failed'
        AND parent.begin_us + parent.length_ms * 1000 + 65000000 < least(own.limit_us, $until_us)
),
later AS (
    SELECT * FROM second
    UNION ALL
    SELECT * FROM third
),
settled AS (
    SELECT * FROM firsts WHERE block_place < block_rows - 2 OR no NOT IN (SELECT no FROM later)
    UNION ALL
    SELECT * FROM later
),
ended AS (
    SELECT
        * EXCLUDE (verdict, family),
        CASE
            WHEN verdict NOT IN ('queued', 'running') AND begin_us + length_ms * 1000 >= $until_us THEN 'running'
            ELSE verdict
        END AS status,
        CASE WHEN status IN ('failed', 'timeout') THEN family END AS family,
        CASE WHEN status NOT IN ('queued', 'running') THEN length_ms END AS duration_ms
    FROM settled
)
SELECT
    ended.no,
    ended.workflow_no,
    ended.status,
    ended.family,
    ended.begin_us,
    ended.duration_ms,
    ended.begin_us + ended.duration_ms * 1000 AS stop_us,
    CASE WHEN ended.status <> 'queued' THEN least(
        floor(90 * exp(0.9 * generate_normal($seed, ended.no, 13))
            + 1000 * coalesce(ended.queue_s, 0.0) * (0.4 + 1.2 * generate_uniform($seed, ended.no, 15))),
        3000000
    )::BIGINT END AS queue_ms,
    CASE WHEN ended.family IS NOT NULL THEN CASE
        WHEN generate_uniform($seed, ended.no, 16) < 0.75 THEN flow.bottleneck
        ELSE len(flow.node_ids) - 1
    END END AS fail_node,
    ended.attempt,
    ended.parent_no,
    CASE WHEN retry.status = 'success' THEN retry.no END AS success_no
FROM ended
JOIN generate_workflows AS flow USING (workflow_no)
LEFT JOIN (SELECT parent_no, no, status FROM ended WHERE parent_no IS NOT NULL) AS retry ON retry.parent_no = ended.no
ORDER BY ended.no
