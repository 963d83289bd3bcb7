-- Rules of the contract format that more than one of its statements needs.

-- The instant an ISO 8601 text means (no zone: UTC). NULL: no such text, or outside the years 1970 to 2261.
CREATE OR REPLACE TEMP MACRO contract_instant(text) AS
    CASE
        WHEN TRY_CAST(text AS TIMESTAMPTZ) BETWEEN TIMESTAMPTZ '1970-01-01 00:00:00+00'
            AND TIMESTAMPTZ '2261-12-31 23:59:59.999999+00' THEN TRY_CAST(text AS TIMESTAMPTZ)
    END;

-- The number a JSON text is (not the text of a string: that begins with a quote). NULL: no finite number.
CREATE OR REPLACE TEMP MACRO contract_number(json) AS
    CASE WHEN isfinite(TRY_CAST(json AS DOUBLE)) THEN TRY_CAST(json AS DOUBLE) END;

-- Whether it is present and no number of seconds between 0 and ten years.
CREATE OR REPLACE TEMP MACRO contract_bad_seconds(json) AS
    json IS NOT NULL AND coalesce(contract_number(json) NOT BETWEEN 0 AND 315576000, true);

-- Whether it is present and no whole number from 0 to `most`.
CREATE OR REPLACE TEMP MACRO contract_bad_count(json, most) AS
    json IS NOT NULL
    AND coalesce(TRY_CAST(json AS HUGEINT) NOT BETWEEN 0 AND most OR contract_number(json) % 1 <> 0, true);

-- Why a record is refused. `value` is cut to 200 characters.
CREATE OR REPLACE TEMP MACRO contract_refuse(field, reason, value) AS
    {
        'field': field::VARCHAR,
        'reason': reason::VARCHAR,
        'value': CASE WHEN length(value) > 200 THEN left(value, 200) || '…' ELSE value END::VARCHAR
    };
