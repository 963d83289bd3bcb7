-- Table n8n_record: one row is one record of `n8n_records` (record_no, raw), parsed in one pass.
-- Fields of the wrong JSON type are NULL; `known` is false where the text is not a JSON object.
-- Instants are TIMESTAMPTZ, *_text is what the record says, so that a refusal can show it.
-- repeated_key: a key that stands twice at the top; NULL: none.
-- runs: node name -> its runs in n8n's order; NULL where there is none (or its keys are not unique).
CREATE OR REPLACE TEMP TABLE n8n_record AS
WITH parsed AS (
    SELECT
        record_no,
        raw,
        TRY(json_keys(raw)) AS keys,
        TRY(from_json(raw, '{
            "id": "JSON", "status": "VARCHAR", "mode": "VARCHAR", "finished": "BOOLEAN",
            "createdAt": "VARCHAR", "startedAt": "VARCHAR", "stoppedAt": "VARCHAR", "waitTill": "VARCHAR",
            "workflowId": "VARCHAR", "workflowVersionId": "VARCHAR", "retryOf": "VARCHAR", "retrySuccessId": "VARCHAR",
            "deduplicationKey": "VARCHAR", "jsonSizeBytes": "DOUBLE", "binaryDataSizeBytes": "DOUBLE",
            "dataTooLargeToDisplay": "BOOLEAN", "customData": "JSON",
            "data": {
                "resultData": {
                    "error": "JSON", "redactedError": "JSON", "metadata": "JSON",
                    "runData": "MAP(VARCHAR, STRUCT('
        || 'startTime DOUBLE, executionIndex DOUBLE, executionTime DOUBLE, executionStatus VARCHAR, source JSON, '
        || 'error JSON, redactedError JSON, \"data\" MAP(VARCHAR, JSON[][])'
        || ')[])"
                },
                "executionData": {
                    "runtimeData": {
                        "establishedAt": "DOUBLE", "source": "VARCHAR",
                        "triggerNode": {"name": "JSON", "type": "VARCHAR"}
                    }
                },
                "parentExecution": {"executionId": "VARCHAR", "workflowId": "VARCHAR"},
                "redactionInfo": {"isRedacted": "BOOLEAN"}
            },
            "workflowData": {
                "id": "VARCHAR", "name": "JSON", "settings": {"executionTimeout": "DOUBLE"},
                "nodes": [{"id": "VARCHAR", "name": "VARCHAR", "type": "VARCHAR", "disabled": "BOOLEAN",
                           "onError": "VARCHAR", "continueOnFail": "BOOLEAN"}]
            }
        }')) AS r
    FROM n8n_records
)

SELECT
    record_no,
    r IS NOT NULL AND regexp_matches(raw, '^\s*\{') AS known,
    CASE WHEN NOT known THEN left(raw, 300) END AS head,
    CASE WHEN NOT known THEN json_valid(raw) END AS is_json,
    CASE
        WHEN len(list_distinct(keys)) < len(keys)
            THEN list_filter(keys, lambda key, place: list_position(keys, key) < place)[1]
    END AS repeated_key,
    r.id AS id_json,
    CASE WHEN json_type(r.id) IN ('VARCHAR', 'UBIGINT', 'BIGINT') THEN r.id ->> '$' END AS id,
    r.status AS status_text,
    r.mode AS mode_text,
    r.finished,
    r.startedAt AS started_text,
    r.stoppedAt AS stopped_text,
    n8n_instant(r.createdAt) AS created_at,
    n8n_instant(r.startedAt) AS started_at,
    n8n_instant(r.stoppedAt) AS stopped_at,
    n8n_instant(r.waitTill) AS wait_till,
    n8n_instant(regexp_extract(r.deduplicationKey, '\d{4}-\d\d-\d\dT[0-9:.]+Z$')) AS fired_at,
    n8n_instant_of_ms(r.data.executionData.runtimeData.establishedAt) AS established_at,
    r.deduplicationKey IS NOT NULL AS is_deduplicated,
    coalesce(n8n_reference(r.workflowId), n8n_reference(r.workflowData.id)) AS workflow_id,
    n8n_string(r.workflowData.name) AS workflow_name,
    n8n_reference(r.workflowVersionId) AS workflow_version_id,
    n8n_reference(r.retryOf) AS retry_of,
    n8n_reference(r.retrySuccessId) AS retry_success_id,
    n8n_reference(r.data.parentExecution.executionId) AS parent_execution_id,
    n8n_reference(r.data.parentExecution.workflowId) AS parent_workflow_id,
    coalesce(r.jsonSizeBytes, 0) + coalesce(r.binaryDataSizeBytes, 0) AS data_bytes,
    CASE
        WHEN json_type(r.customData) = 'OBJECT' AND r.customData <> '{}' THEN r.customData
        WHEN json_type(r.data.resultData.metadata) = 'OBJECT' AND r.data.resultData.metadata <> '{}'
            THEN r.data.resultData.metadata
    END AS custom_data,
    r.data.executionData.runtimeData.source AS runtime_source,
    n8n_string(r.data.executionData.runtimeData.triggerNode.name) AS trigger_name,
    n8n_reference(r.data.executionData.runtimeData.triggerNode.type) AS trigger_node_type,
    r.workflowData.settings.executionTimeout AS timeout_s,
    r.workflowData.nodes AS nodes,
    r.data.resultData.error AS error_json,
    r.data.resultData.redactedError AS redacted_error_json,
    CASE WHEN NOT coalesce(r.dataTooLargeToDisplay, false) THEN r.data.resultData.runData END AS runs,
    coalesce(r.data.redactionInfo.isRedacted, false) AS is_redacted
FROM parsed;
