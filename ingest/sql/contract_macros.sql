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

-- The declared fields of a record; fails on a text that is not JSON. A field is NULL where it is missing, null, or (an
-- object or a list) of the wrong type; numbers and whatever is kept as it came are JSON text.
CREATE OR REPLACE TEMP MACRO contract_record(raw) AS
    from_json(raw, '{
    "id": "VARCHAR",
    "workflowId": "VARCHAR",
    "workflowName": "VARCHAR",
    "status": "VARCHAR",
    "mode": "VARCHAR",
    "trigger": {"type": "VARCHAR", "source": "VARCHAR", "timestamp": "VARCHAR", "payload": "JSON"},
    "startedAt": "VARCHAR",
    "stoppedAt": "VARCHAR",
    "duration": "JSON",
    "inputData": "JSON",
    "outputData": "JSON",
    "executionData": [{
        "nodeId": "VARCHAR", "nodeName": "VARCHAR", "nodeType": "VARCHAR", "status": "VARCHAR",
        "startedAt": "VARCHAR", "stoppedAt": "VARCHAR", "duration": "JSON", "runIndex": "JSON",
        "inputData": "JSON", "outputData": "JSON",
        "error": {"type": "VARCHAR", "message": "VARCHAR", "stack": "VARCHAR", "timestamp": "VARCHAR"}
    }],
    "error": {
        "type": "VARCHAR", "message": "VARCHAR", "stack": "VARCHAR", "nodeId": "VARCHAR", "timestamp": "VARCHAR"
    },
    "metadata": {
        "retryCount": "JSON", "queueTime": "JSON", "memoryUsage": "JSON", "nodeCount": "JSON",
        "dataTransferred": "JSON"
    },
    "logs": [{
        "timestamp": "VARCHAR", "level": "VARCHAR", "nodeId": "VARCHAR", "message": "VARCHAR", "data": "JSON"
    }],
    "customData": "JSON",
    "retryOf": "VARCHAR",
    "retrySuccessId": "VARCHAR",
    "waitTill": "VARCHAR",
    "workflowVersionId": "VARCHAR",
    "parentExecutionId": "VARCHAR",
    "parentWorkflowId": "VARCHAR",
    "createdAt": "VARCHAR",
    "updatedAt": "VARCHAR"
}');

-- How many items a JSON text holds. NULL: no array. One object without `},` inside is told without parsing.
CREATE OR REPLACE TEMP MACRO contract_items(json) AS
    CASE
        WHEN json[1] <> '[' THEN NULL
        WHEN json[2] = '{' AND NOT contains(json, '},') THEN 1
        ELSE json_array_length(json)
    END::BIGINT;
