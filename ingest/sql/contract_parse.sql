-- Execution objects of the contract taken apart; fails when a text is not JSON (then contract_parse_tolerant).
-- One row is one record of `records` (position, record_no, raw), in no order.
-- r: contract_record. is_object: false: the text is an array or a scalar.
SELECT
    position,
    record_no,
    contract_record(raw) AS r,
    CASE WHEN starts_with(raw, '{') THEN true ELSE coalesce(TRY(json_type(raw)) = 'OBJECT', false) END AS is_object
FROM records;
