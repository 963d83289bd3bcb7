-- Keys that a record has twice at its top level.
-- One row is one record of `records` (record_no, raw) with such a key; raw that is not JSON counts as without keys.
WITH keyed AS (
    SELECT record_no, TRY(json_keys(raw)) AS keys
    FROM records
),

repeated AS (
    SELECT record_no, keys
    FROM keyed
    WHERE len(list_distinct(keys)) < len(keys)
)

SELECT
    record_no,
    list_filter(keys, lambda key, place: list_position(keys, key) < place)[1] AS field,
    'the key is there twice' AS reason,
    NULL::VARCHAR AS value
FROM repeated
ORDER BY record_no;
