-- Count, mean, least and largest duration by hour and status, as JSON; one row is an hour and a status.
--
-- An execution belongs to the hour in which it started (else: was created). n8n has no index on "startedAt"; whatever
-- started since an instant has not stopped before it, so that the index on "stoppedAt" helps to find it.
-- %(since)s, %(until)s: instants.
SELECT json_agg(found)::TEXT
FROM (
    SELECT
        date_trunc('hour', coalesce("startedAt", "createdAt")) AS hour,
        status,
        count(*) AS executions,
        avg(extract(epoch FROM "stoppedAt" - "startedAt")::DOUBLE PRECISION) AS avg_s,
        min(extract(epoch FROM "stoppedAt" - "startedAt")::DOUBLE PRECISION) AS min_s,
        max(extract(epoch FROM "stoppedAt" - "startedAt")::DOUBLE PRECISION) AS max_s
    FROM execution_entity
    WHERE
        "deletedAt" IS NULL
        AND coalesce("startedAt", "createdAt") >= %(since)s
        AND coalesce("startedAt", "createdAt") < %(until)s
        AND ("stoppedAt" >= %(since)s OR "stoppedAt" IS NULL)
    GROUP BY 1, 2
    ORDER BY 1, 2
) AS found
