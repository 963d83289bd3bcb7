-- Fields of the wrong JSON type, looked for exactly; for the few records that look as if they had one.
-- One row is one record of `records` (record_no, raw) with such a field: the first in the order of the contract.
WITH expected(place, field, path, allowed, reason) AS (
    VALUES
        (1, 'id', '$.id', ['VARCHAR', 'UBIGINT', 'BIGINT', 'HUGEINT'], 'neither text nor a whole number'),
        (2, 'workflowId', '$.workflowId', ['VARCHAR', 'UBIGINT', 'BIGINT', 'HUGEINT'], 'neither text nor a whole number'),
        (3, 'workflowName', '$.workflowName', ['VARCHAR'], 'not text'),
        (4, 'status', '$.status', ['VARCHAR'], 'not text'),
        (5, 'mode', '$.mode', ['VARCHAR'], 'not text'),
        (6, 'trigger', '$.trigger', ['OBJECT'], 'not an object'),
        (7, 'trigger.type', '$.trigger.type', ['VARCHAR'], 'not text'),
        (8, 'trigger.source', '$.trigger.source', ['VARCHAR'], 'not text'),
        (9, 'executionData', '$.executionData', ['ARRAY'], 'not an array'),
        (10, 'error', '$.error', ['OBJECT'], 'not an object'),
        (11, 'error.type', '$.error.type', ['VARCHAR'], 'not text'),
        (12, 'error.message', '$.error.message', ['VARCHAR'], 'not text'),
        (13, 'error.stack', '$.error.stack', ['VARCHAR'], 'not text'),
        (14, 'error.nodeId', '$.error.nodeId', ['VARCHAR', 'UBIGINT', 'BIGINT'], 'neither text nor a whole number'),
        (15, 'metadata', '$.metadata', ['OBJECT'], 'not an object'),
        (16, 'logs', '$.logs', ['ARRAY'], 'not an array'),
        (17, 'customData', '$.customData', ['OBJECT'], 'not an object'),
        (18, 'retryOf', '$.retryOf', ['VARCHAR', 'UBIGINT', 'BIGINT', 'HUGEINT'], 'neither text nor a whole number'),
        (19, 'retrySuccessId', '$.retrySuccessId', ['VARCHAR', 'UBIGINT', 'BIGINT', 'HUGEINT'], 'neither text nor a whole number')
),

found AS (
    SELECT record_no, place, field, reason, allowed, json_type(raw, path) AS type, json_extract(raw, path) AS value
    FROM records, expected
)

SELECT
    record_no,
    min_by(field, place) AS field,
    min_by(reason, place) AS reason,
    left(min_by(value, place)::VARCHAR, 200) AS value
FROM found
WHERE type <> 'NULL' AND NOT list_contains(allowed, type)
GROUP BY record_no
ORDER BY record_no;
