-- Execution objects of the contract taken apart, texts among them that are not JSON; slower than contract_parse.
-- One row is one record of `records` (position, record_no, raw), in no order.
-- r: contract_record; NULL: the text is not JSON.
-- is_object: false: the text is an array or a scalar. Means nothing where r is NULL.
SELECT
    position,
    record_no,
    TRY(contract_record(raw)) AS r,
    CASE WHEN starts_with(raw, '{') THEN true ELSE coalesce(TRY(json_type(raw)) = 'OBJECT', false) END AS is_object
FROM records;
