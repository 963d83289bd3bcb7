-- Table n8n_reject: one row is one record of n8n_record that cannot be taken, with the first reason found.
-- field: n8n's name of the field, NULL: the record as a whole. value: what was found (up to 201 characters),
-- NULL: it is missing.
CREATE OR REPLACE TEMP TABLE n8n_reject AS
WITH judged AS (
    SELECT
        *,
        CASE
            WHEN NOT known AND is_json THEN {'field': NULL, 'reason': 'not a JSON object', 'value': head}
            WHEN NOT known THEN {'field': NULL, 'reason': 'not valid JSON', 'value': head}
            WHEN repeated_key IS NOT NULL
                THEN {'field': repeated_key, 'reason': 'the key is there twice', 'value': NULL}
            WHEN id_json IS NULL OR json_type(id_json) = 'NULL'
                THEN {'field': 'id', 'reason': 'missing; a record needs its id', 'value': NULL}
            WHEN id IS NULL
                THEN {'field': 'id', 'reason': 'not a string or whole number', 'value': id_json::VARCHAR}
            WHEN length(trim(id)) = 0 THEN {'field': 'id', 'reason': 'empty', 'value': id}
            WHEN length(id) > 255
                THEN {
                    'field': 'id', 'reason': 'longer than 255 characters (' || length(id) || ')', 'value': id
                }
            WHEN status_text IS NULL AND finished IS NULL
                THEN {'field': 'status', 'reason': 'missing, and there is no `finished` to tell it from', 'value': NULL}
            WHEN
                status_text NOT IN ('new', 'running', 'waiting', 'success', 'error', 'crashed', 'canceled', 'unknown')
                THEN {
                    'field': 'status',
                    'reason': 'unknown status; allowed: new, running, waiting, success, error, crashed, canceled, '
                    || 'unknown',
                    'value': status_text
                }
            WHEN mode_text IS NULL THEN {'field': 'mode', 'reason': 'missing', 'value': NULL}
            WHEN
                mode_text NOT IN (
                    'webhook', 'retry', 'manual', 'chat', 'evaluation', 'agent', 'trigger',
                    'integrated', 'error', 'internal', 'cli'
                )
                THEN {
                    'field': 'mode',
                    'reason': 'unknown mode; allowed: webhook, retry, manual, chat, evaluation, agent, trigger, '
                    || 'integrated, error, internal, cli',
                    'value': mode_text
                }
            WHEN started_text IS NOT NULL AND started_at IS NULL AND started_text NOT LIKE '1970-01-01%'
                THEN {'field': 'startedAt', 'reason': 'not an ISO 8601 instant from 1970 on', 'value': started_text}
            WHEN stopped_text IS NOT NULL AND stopped_at IS NULL AND stopped_text NOT LIKE '1970-01-01%'
                THEN {'field': 'stoppedAt', 'reason': 'not an ISO 8601 instant from 1970 on', 'value': stopped_text}
            WHEN
                stopped_at < started_at AND status_text IS DISTINCT FROM 'crashed'
                AND status_text NOT IN ('new', 'running', 'waiting')
                THEN {
                    'field': 'stoppedAt', 'reason': 'before startedAt (' || started_text || ')', 'value': stopped_text
                }
            WHEN
                coalesce(created_at, started_at, stopped_at, established_at, fired_at) IS NULL
                AND status_text IS DISTINCT FROM 'new'
                THEN {
                    'field': 'startedAt',
                    'reason': 'missing, and no other instant says when it was; only a queued execution may have none',
                    'value': NULL
                }
        END AS verdict
    FROM n8n_record
)

SELECT
    record_no,
    verdict.field AS field,
    verdict.reason AS reason,
    left(verdict.value, 201) AS value
FROM judged
WHERE verdict IS NOT NULL;
