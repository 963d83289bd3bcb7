-- What became of the unsuccessful executions of a window: did a retry succeed later?
--
-- One row: the unsuccessful executions of one fingerprint placed in the window. Order: fingerprint, NULL last.
-- Reads the view executions, which must hold everything placed from the window on; what it holds of the days before
-- tells of families that began earlier.
-- Parameters: $since, $until (TIMESTAMPTZ, half-open, the window),
-- $workflow_ids, $statuses, $modes (lists of text: any of the values; NULL: all).
--   fingerprint      NULL: without one
--   failures         unsuccessful executions
--   healed           of them, those after which an execution of the same family succeeded
--   retried          of the others, those that are followed by a later attempt of the family
--   heal_us          median time from the failure's begin to the begin of the first success, of those whose success is
--                    known as an execution; NULL: none is
-- A family is an execution and its retries, and theirs: everything that leads back to the same first one.
WITH RECURSIVE retries AS MATERIALIZED (
    SELECT id, retry_of, status, epoch_us(placed_at(started_at, created_at)) AS at_us
    FROM executions
    WHERE retry_of IS NOT NULL
),

ancestors AS (
    SELECT id, retry_of AS ancestor FROM retries
    UNION  -- not ALL: a ring of retries would go round for ever
    SELECT ancestors.id, retries.retry_of
    FROM ancestors
    INNER JOIN retries ON ancestors.ancestor = retries.id
),

roots AS MATERIALIZED (
    SELECT id, min(ancestor) AS root
    FROM ancestors
    ANTI JOIN retries ON ancestors.ancestor = retries.id
    GROUP BY id
),

attempts AS MATERIALIZED (
    SELECT coalesce(roots.root, retries.id) AS root, retries.status, retries.at_us
    FROM retries
    LEFT JOIN roots ON retries.id = roots.id
),

failures AS MATERIALIZED (
    SELECT
        executions.id,
        error_fingerprint AS fingerprint,
        coalesce(roots.root, executions.id) AS root,
        epoch_us(placed_at(started_at, created_at)) AS at_us,
        retry_success_id IS NOT NULL AS is_said_healed
    FROM executions
    LEFT JOIN roots ON executions.id = roots.id
    WHERE status IN ('failed', 'cancelled', 'timeout')
        AND placed_at(started_at, created_at) >= $since
        AND placed_at(started_at, created_at) < $until
        AND ($workflow_ids IS NULL OR list_contains($workflow_ids, workflow_id))
        AND ($statuses IS NULL OR list_contains($statuses, status))
        AND ($modes IS NULL OR list_contains($modes, mode))
),

-- Only families with a retry can differ from what the failure itself says.
later AS (
    SELECT
        failures.id,
        min(attempts.at_us) FILTER (WHERE attempts.status = 'success') AS success_us,
        count(*) AS attempts
    FROM failures
    INNER JOIN attempts ON failures.root = attempts.root AND attempts.at_us > failures.at_us
    GROUP BY failures.id
),

outcomes AS (
    SELECT
        failures.fingerprint,
        failures.is_said_healed OR later.success_us IS NOT NULL AS is_healed,
        coalesce(later.attempts, 0) > 0 AS is_retried,
        later.success_us - failures.at_us AS heal_us
    FROM failures
    LEFT JOIN later USING (id)
)

SELECT
    fingerprint,
    count(*) AS failures,
    count(*) FILTER (WHERE is_healed) AS healed,
    count(*) FILTER (WHERE NOT is_healed AND is_retried) AS retried,
    median(heal_us)::BIGINT AS heal_us
FROM outcomes
GROUP BY GROUPING SETS ((fingerprint), ())
ORDER BY GROUPING(fingerprint) DESC, fingerprint NULLS LAST;
