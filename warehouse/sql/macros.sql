-- Scalar rules that every session knows. One macro a rule, so that SQL everywhere says the same thing.
-- (Not TEMP: a temporary macro is invisible to the forks of a session. A macro stands below those it uses.)

-- The instant that places an execution in time: its start, else its creation.
CREATE OR REPLACE MACRO placed_at(started_at, created_at) AS coalesce(started_at, created_at);

-- Whether an execution meets every condition that is not NULL. The conditions come first: lists mean any of the values;
-- min_duration_s: seconds; error_text: anywhere in the message, upper and lower case alike. Its columns come after.
-- DuckDB folds what is NULL away before it reads, and pushes the rest down into the Parquet files.
CREATE OR REPLACE MACRO is_wanted(
    p_workflow_ids, p_statuses, p_modes, p_error_types, p_fingerprint, p_min_duration_s, p_retry_of, p_error_text,
    workflow_id, status, mode, error_type, error_fingerprint, duration_s, retry_of, error_message
) AS (
    (p_workflow_ids IS NULL OR list_contains(p_workflow_ids, workflow_id))
    AND (p_statuses IS NULL OR list_contains(p_statuses, status))
    AND (p_modes IS NULL OR list_contains(p_modes, mode))
    AND (p_error_types IS NULL OR list_contains(p_error_types, error_type))
    AND (p_fingerprint IS NULL OR error_fingerprint = p_fingerprint)
    AND (p_min_duration_s IS NULL OR duration_s >= p_min_duration_s)
    AND (p_retry_of IS NULL OR retry_of = p_retry_of)
    AND (p_error_text IS NULL OR contains(lower(error_message), lower(p_error_text)))
);

-- ---------------------------------------------------------------------------------------------------------------
-- error_fingerprint(error_type, message): which group of like errors an error belongs to.
--
-- 'v1:' and 16 hexadecimal digits; NULL where both type and message are NULL or blank. Rule, version 1:
--   the type      lower case, trimmed;
--   HTTP status   a status the message names ("status code 404", "HTTP 502", "404 - ...") tells groups apart;
--   the message   its first 2,000 characters, lower case, then in this order
--       quoted text ("", '', ``, typographic; an unclosed " reaches to the end)        -> <text>, a list of them -> one
--       URLs, e-mail addresses                                                         -> <url>, <email>
--       dates and times (ISO, HTTP, JavaScript, SQL)                                   -> #
--       IPv4, IPv6, host names (a known top-level domain, localhost, what follows
--       ECONNREFUSED, ENOTFOUND, getaddrinfo ...), with or without a port              -> <host>
--       UUIDs, and every word with a digit in it (numbers, ids; INV-2380, wf_1a2b)     -> #, a list of them -> one
--       white space                                                                    -> one space, none at the ends
--     and of that the first 300 characters.
-- A change of the rule is a new version: fingerprints of different versions never meet in one group.

-- The HTTP status an error message names, as text; '' where it names none.
CREATE OR REPLACE MACRO error_http_status(message) AS
    regexp_extract(
        left(message, 2000),
        '(?i)(?:\bstatus(?:[ _-]?code)?\W{1,3}|\bhttp(?:/\d(?:\.\d)?)?[ :]{1,2}(?:error[ :]{1,2})?)([1-5]\d\d)\b',
        1
    )
    || regexp_extract(message, '^([45]\d\d) - ', 1);

-- Lower-case text without what stands in quotation marks.
CREATE OR REPLACE MACRO error_without_quotes(text) AS
    regexp_replace(
        regexp_replace(
            regexp_replace(
                text,
                '"(?:[^"\\]|\\.)*(?:"|\\?$)|`[^`]*`|“[^”]*”|„[^“”]*[“”]|«[^»]*»|‘[^’]*’', '<text>', 'g'
            ),
            '(^|[^a-z0-9_])''[^'']*''', '\1<text>', 'g'
        ),
        '<text>(?:[\s,;:|/]*(?:\b(?:and|or)\b\s*)?<text>)+', '<text>', 'g'
    );

-- Lower-case text without URLs, e-mail addresses, instants and hosts. Instants go before hosts: the colons of a
-- time of day would look like an IPv6 address.
CREATE OR REPLACE MACRO error_without_hosts(text) AS
    regexp_replace(
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        text,
                        '\b[a-z][a-z0-9+.-]*://[^\s"''<>)\]},]+', '<url>', 'g'
                    ),
                    '[a-z0-9._%+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+', '<email>', 'g'
                ),
                '\b\d{4}[-/]\d{2}[-/]\d{2}(?:[t ]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)?(?:\s?z\b|\s?[+-]\d{2}:?\d{2}\b)?'
                '|\b(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\s+)?'
                '(?:\d{1,2}[\s-]+(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*'
                '|(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\s+\d{1,2}),?(?:[\s-]+\d{4}\b)?'
                '(?:,?\s+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?)?'
                '(?:\s*(?:gmt|utc|z)\b)?(?:\s?[+-]\d{2}:?\d{2}\b)?(?:\s\([a-z ]*time\))?'
                '|\b\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?(?:\s?(?:am|pm)\b)?',
                '#', 'g'
            ),
            '\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b'
            '|\b(?:(?:[a-z0-9-]+\.)+(?:com|net|org|io|dev|app|cloud|ai|co|eu|uk|de|fr|nl|ch|pl|se|fi|ca|au|jp|cn|br|ru'
            '|info|biz|online|site|xyz|gov|edu|local|internal|lan|intranet|corp|localdomain|svc|test|example|invalid)'
            '|localhost)(?::\d+|\b)',
            '<host>', 'g'
        ),
        '\b(getaddrinfo|enotfound|eai_again|econnrefused|econnreset|etimedout|ehostunreach|enetunreach)'
        '((?:\s+(?:enotfound|eai_again|econnrefused|econnreset|etimedout))?\s)\s*(?:<host>|[a-z0-9:\[][a-z0-9.:\]_-]*)'
        '|(^|[\s(\[])(?:[0-9a-f]{0,4}(?:::?[0-9a-f]{1,4}){2,8}|[0-9a-f]{0,4}::[0-9a-f]{1,4})\b',
        '\1\2\3<host>', 'g'
    );

-- Lower-case text without UUIDs, ids and numbers.
CREATE OR REPLACE MACRO error_without_values(text) AS
    regexp_replace(
        regexp_replace(
            text,
            '\b[0-9a-f]{4,}(?:-[0-9a-f]{4,}){2,}\b|\b(?:[a-z]{1,5}-)?[a-z0-9_]*\d[a-z0-9_]*', '#', 'g'
        ),
        '[-+]?#(?:[\s,;:./_+-]*#)*%?', '#', 'g'
    );

-- The message with everything replaced that differs from one occurrence to the next; NULL for NULL.
CREATE OR REPLACE MACRO error_template(message) AS
    left(
        trim(
            regexp_replace(
                error_without_values(error_without_hosts(error_without_quotes(lower(left(message, 2000))))),
                '\s+', ' ', 'g'
            )
        ),
        300
    );

-- 'v1:' and 16 hexadecimal digits; NULL where both are NULL or blank. The rule stands above.
CREATE OR REPLACE MACRO error_fingerprint(error_type, message) AS
    CASE
        WHEN coalesce(trim(error_type), '') = '' AND coalesce(trim(message), '') = '' THEN NULL
        ELSE 'v1:' || left(
            md5(
                coalesce(lower(trim(error_type)), '') || chr(10)
                || error_http_status(coalesce(message, '')) || chr(10)
                || error_template(coalesce(message, ''))
            ),
            16
        )
    END;

-- ---------------------------------------------------------------------------------------------------------------
-- Durations as rollups keep them: whole microseconds, so that sums are exact in any order. NULL for NULL and for what
-- is no number of seconds (NaN, infinite, beyond 64 bits).
CREATE OR REPLACE MACRO whole_us(seconds) AS TRY_CAST(round(seconds * 1e6) AS BIGINT);

-- The histogram bucket of a duration in microseconds (0..2207): 0 for zero, else the k with
-- g^(k-2) < duration_us <= g^(k-1), g = (1 + 0.0099) / (1 - 0.0099); the rule stands in warehouse/histogram.py.
CREATE OR REPLACE MACRO duration_bucket(duration_us) AS
    CASE
        WHEN duration_us IS NULL THEN NULL
        WHEN duration_us <= 0 THEN 0
        ELSE 1 + ceil(ln(duration_us) / ln(1.0099 / 0.9901))
    END::USMALLINT;
