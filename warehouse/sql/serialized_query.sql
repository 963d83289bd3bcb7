-- How DuckDB understands a query text, without running it. One row: the syntax tree as JSON, or what is wrong with it.
-- $query: the text.
SELECT json_serialize_sql($query) AS tree
