-- The group of one error. One row, one column: the fingerprint.
-- type, message: of the error; NULL where there is none.
SELECT error_fingerprint($type, $message) AS fingerprint
