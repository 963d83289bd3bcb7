-- Execution objects of the contract taken apart.
-- One row is one record of `records` (position, record_no, raw), in no order.
-- tolerant: false: fails when a text is not JSON, and is faster.
-- r: contract_record; NULL: the text is not JSON.
-- is_object: false: the text is an array or a scalar. Means nothing where r is NULL.
SELECT
    position,
    record_no,
    CASE WHEN $tolerant THEN TRY(contract_record(raw)) ELSE contract_record(raw) END AS r,
    CASE WHEN starts_with(raw, '{') THEN true ELSE coalesce(TRY(json_type(raw)) = 'OBJECT', false) END AS is_object
FROM records;
