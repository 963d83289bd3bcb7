-- Rules for the fields of n8n's records, used by the other n8n_*.sql. Temporary: they belong to the session that maps.

-- An n8n instant (text, ISO 8601, UTC where no zone is said) as TIMESTAMPTZ. NULL: not an instant between the years
-- 1970 and 9999, or the very epoch, which n8n writes for "never".
CREATE OR REPLACE TEMP MACRO n8n_instant(text) AS
    CASE
        WHEN
            regexp_full_match(
                text, '(19[7-9]|[2-9]\d\d)\d-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.]\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?'
            )
            THEN nullif(TRY_CAST(text AS TIMESTAMPTZ), TIMESTAMPTZ '1970-01-01 00:00:00+00')
    END;

-- Milliseconds since the epoch as an instant. NULL: outside 1973 to 5138 (below that it is not milliseconds).
CREATE OR REPLACE TEMP MACRO n8n_instant_of_ms(ms) AS
    CASE WHEN ms >= 1e11 AND ms < 1e14 THEN make_timestamp_ms(TRY_CAST(ms AS BIGINT)) AT TIME ZONE 'UTC' END;

-- startTime of a node run: milliseconds, or seconds where it is below 1e11 (n8n's crash recovery writes those).
CREATE OR REPLACE TEMP MACRO n8n_start(start_time) AS
    CASE
        WHEN start_time > 0 AND start_time < 1e11
            THEN make_timestamp_ms(TRY_CAST(start_time * 1000 AS BIGINT)) AT TIME ZONE 'UTC'
        ELSE n8n_instant_of_ms(start_time)
    END;

-- A reference to something by id (text of a string or a number). NULL: empty, absurdly long, or an object or array.
CREATE OR REPLACE TEMP MACRO n8n_reference(text) AS
    CASE WHEN length(text) BETWEEN 1 AND 255 AND NOT regexp_matches(text, '^[{\[]') THEN text END;

-- The text of a JSON string. NULL: missing, empty, or not a string.
CREATE OR REPLACE TEMP MACRO n8n_string(json) AS
    CASE WHEN json_type(json) = 'VARCHAR' THEN nullif(json ->> '$', '') END;

-- The last word of a node type: n8n-nodes-base.scheduleTrigger -> scheduleTrigger.
CREATE OR REPLACE TEMP MACRO n8n_type_word(node_type) AS regexp_extract(node_type, '([^.]*)$', 1);

CREATE OR REPLACE TEMP MACRO n8n_is_schedule(node_type) AS
    coalesce(n8n_type_word(node_type) IN ('scheduleTrigger', 'cron', 'interval'), false);

-- Can a workflow begin with a node of this type?
CREATE OR REPLACE TEMP MACRO n8n_is_trigger(node_type) AS
    coalesce(regexp_matches(node_type, '(Trigger|[.](webhook|cron|interval|start))$'), false);

-- Our short word for a trigger: schedule, manual, workflow, error, webhook, form, chat, gmail ...
CREATE OR REPLACE TEMP MACRO n8n_trigger_word(node_type) AS
    CASE
        WHEN n8n_is_schedule(node_type) THEN 'schedule'
        WHEN n8n_type_word(node_type) = 'start' THEN 'manual'
        WHEN n8n_type_word(node_type) = 'executeWorkflowTrigger' THEN 'workflow'
        ELSE nullif(regexp_replace(n8n_type_word(node_type), 'Trigger$', ''), '')
    END;

-- Text without what would let anybody resume a waiting execution or call the API: signatures in URLs, resume tokens,
-- n8n API keys. Whatever the payload policy. The first test is a cheap filter, few texts pass it.
CREATE OR REPLACE TEMP MACRO n8n_strip(text) AS
    CASE
        WHEN
            contains(text, 'ignature') OR contains(text, 'esumeToken')
            OR contains(text, '8n-api') OR contains(text, '8N-A')
            THEN regexp_replace(
                regexp_replace(
                    regexp_replace(
                        text,
                        '(?i)((?:[?&;]|\\u0026|%3f|%26)(?:(?:x-amz-)?signature|resumeToken)(?:=|%3d))[^"''&\\\s<>#]+',
                        '\1***', 'g'
                    ),
                    '(?i)((?:resumeToken|x-n8n-api-key)\\*"\s*:\s*\\*")[^"\\]*', '\1***', 'g'
                ),
                -- The query of a call that resumed an execution; a signature of another kind is no such digest.
                '(?i)("signature\\*"\s*:\s*\\*")[0-9a-f]{32,}', '\1***', 'g'
            )
        ELSE text
    END;

-- Which JSON tells about an error: the error (an object, or only its text), else what redaction left of it. NULL: none.
CREATE OR REPLACE TEMP MACRO n8n_error_json(error, redacted) AS
    CASE
        WHEN json_type(error) IN ('OBJECT', 'VARCHAR') THEN error
        WHEN json_type(redacted) = 'OBJECT' THEN redacted
    END;

-- That JSON as a struct, every field NULL where it is only a text.
CREATE OR REPLACE TEMP MACRO n8n_error_struct(json) AS
    from_json(
        json,
        '{"name":"VARCHAR","type":"VARCHAR","message":"VARCHAR","description":"VARCHAR","stack":"VARCHAR",
          "timestamp":"DOUBLE","reason":"VARCHAR","node":{"id":"VARCHAR","name":"VARCHAR"}}'
    );

-- Class of an error from its JSON and struct (a redacted one has a type in place of a name). NULL: no error.
CREATE OR REPLACE TEMP MACRO n8n_error_type(json, fields) AS
    CASE WHEN json IS NOT NULL THEN coalesce(n8n_reference(fields.name), n8n_reference(fields.type), 'Error') END;

-- Its text. NULL: none, or no error.
CREATE OR REPLACE TEMP MACRO n8n_error_message(json, fields) AS
    n8n_strip(coalesce(nullif(fields.message, ''), nullif(fields.description, ''), n8n_string(json)));
