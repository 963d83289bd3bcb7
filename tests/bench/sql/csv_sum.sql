-- What the CSV file at $path holds: one row; the number of records and a checksum over their ids.
SELECT count(*) AS records, sum(hash(id) % 1_000_000_007)::VARCHAR AS ids, count(DISTINCT id) AS different
FROM read_csv($path, header = true, all_varchar = true, delim = ',', quote = '"', escape = '"')
