-- One row is one accepted record: the columns of executions that come from the record itself, error texts and
-- custom_data not masked yet, without error_fingerprint, hashes and date. `n8n_workflow_names` (id, name) is the
-- workflows file. See the documentation of the n8n format for the rules; in short:
--   created_at    createdAt, else the start; for what never began: the firing time, when its context was made, its
--                 stop; a queued record without any of them is placed at 1970-01-01 until a later record replaces it.
--   updated_at    the stop (of a waiting one: of its last stretch), else the start, else created_at.
--   retry_count   0 for what is no retry, NULL for a retry: the record does not tell the length of the chain.
WITH taken AS (
    SELECT
        * REPLACE (n8n_error_json(error_json, redacted_error_json) AS error_json),
        n8n_error_struct(n8n_error_json(error_json, redacted_error_json)) AS error
    FROM n8n_record
    WHERE record_no NOT IN (SELECT record_no FROM n8n_reject)
),

accepted AS (
    SELECT
        * REPLACE (
            coalesce(status_text, 'unknown') AS status_text,
            CASE WHEN coalesce(status_text, '') <> 'new' THEN started_at END AS started_at
        ),
        started_at AS said_started_at,
        coalesce(runtime_source, mode_text) AS first_mode,
        list_filter(nodes, lambda n: n8n_is_trigger(n.type) AND NOT coalesce(n.disabled, false)) AS triggers
    FROM taken
),

triggered AS (
    -- The node that began it. Sub-workflows and error workflows carry the trigger of their root execution, which is not
    -- theirs; there, and where none is named, it is the trigger node of the workflow that ran, or the only one it has.
    SELECT
        *,
        CASE
            WHEN trigger_node_type IS NOT NULL AND first_mode NOT IN ('integrated', 'error')
                THEN {'name': trigger_name, 'type': trigger_node_type}
            ELSE coalesce(
                list_transform(
                    list_filter(triggers, lambda n: map_contains(runs, n.name)),
                    lambda n: {'name': n.name, 'type': n8n_reference(n.type)}
                )[1],
                CASE
                    WHEN len(triggers) = 1 THEN {'name': triggers[1].name, 'type': n8n_reference(triggers[1].type)}
                END
            )
        END AS trigger_node
    FROM accepted
),

worded AS (
    SELECT
        *,
        CASE
            WHEN status_text = 'new' THEN 'queued'
            WHEN status_text IN ('running', 'waiting') THEN 'running'
            WHEN status_text = 'success' THEN 'success'
            WHEN status_text IN ('error', 'crashed') THEN 'failed'
            WHEN status_text = 'canceled' THEN CASE
                WHEN error.reason = 'timeout' OR error.name = 'TimeoutExecutionCancelledError' THEN 'timeout'
                WHEN
                    error_json IS NULL AND timeout_s > 0
                    AND epoch_us(stopped_at) - epoch_us(started_at) >= timeout_s * 1e6
                    THEN 'timeout'
                ELSE 'cancelled'
            END
            WHEN finished THEN 'success'
            WHEN wait_till IS NOT NULL THEN 'running'
            WHEN stopped_at IS NOT NULL OR error_json IS NOT NULL THEN 'failed'
            WHEN started_at IS NOT NULL THEN 'running'
            ELSE 'queued'
        END AS status,
        CASE
            WHEN mode_text IN ('webhook', 'retry', 'manual') THEN mode_text
            WHEN mode_text IN ('chat', 'evaluation', 'agent') THEN 'manual'
            WHEN mode_text = 'trigger' AND (is_deduplicated OR n8n_is_schedule(trigger_node.type)) THEN 'scheduled'
            ELSE 'trigger'
        END AS mode
    FROM triggered
),

timed AS MATERIALIZED (
    SELECT
        * REPLACE (
            CASE WHEN status NOT IN ('queued', 'running') THEN greatest(stopped_at, started_at) END AS stopped_at,
            coalesce(
                created_at,
                said_started_at,
                fired_at,
                CASE WHEN stopped_at IS NULL OR established_at <= stopped_at THEN established_at END,
                stopped_at,
                TIMESTAMPTZ '1970-01-01 00:00:00+00'
            ) AS created_at
        ),
        created_at AS said_created_at,
        status IN ('failed', 'cancelled', 'timeout') AS is_unsuccessful,
        CASE WHEN stopped_at IS NOT NULL THEN greatest(stopped_at, started_at) END AS last_stop_at
    FROM worded
),

node_run AS (
    SELECT
        record_no,
        count(*)::INTEGER AS node_count,
        max_by(
            {'id': node_id, 'type': error_type, 'message': error_message, 'stack': error_stack, 'at': error_at},
            order_index
        ) FILTER (status = 'failed') AS failing
    FROM n8n_node_run
    GROUP BY record_no
),

node_id AS (
    SELECT DISTINCT record_no, node_name, node_id FROM n8n_entry
)

SELECT
    t.record_no,
    t.id,
    t.workflow_id,
    coalesce(t.workflow_name, w.name) AS workflow_name,
    t.status,
    t.mode,
    coalesce(
        n8n_trigger_word(t.trigger_node.type),
        CASE
            WHEN t.first_mode IN ('webhook', 'manual', 'chat', 'error') THEN t.first_mode
            WHEN t.first_mode = 'integrated' THEN 'workflow'
            WHEN t.mode = 'scheduled' THEN 'schedule'
        END
    ) AS trigger_type,
    t.trigger_node.name AS trigger_source,
    -- Not the firing time first: only a single GET has it, and the two must agree with an item of a page.
    coalesce(
        CASE WHEN t.mode_text NOT IN ('retry', 'integrated', 'error') THEN t.established_at END, t.fired_at
    ) AS trigger_at,
    t.started_at,
    t.stopped_at,
    CASE
        WHEN t.status_text <> 'crashed' THEN (epoch_us(t.stopped_at) - epoch_us(t.started_at)) / 1e6
    END AS duration_s,
    CASE
        WHEN t.is_unsuccessful THEN coalesce(
            n8n_error_type(t.error_json, t.error),
            n.failing.type,
            CASE WHEN t.status_text = 'crashed' THEN 'WorkflowCrashedError' END
        )
    END AS error_type,
    CASE
        WHEN NOT t.is_unsuccessful THEN NULL
        WHEN t.error_json IS NOT NULL THEN n8n_error_message(t.error_json, t.error)
        ELSE n.failing.message
    END AS error_message,
    CASE
        WHEN NOT t.is_unsuccessful THEN NULL
        WHEN i.node_id IS NOT NULL THEN i.node_id
        WHEN
            n8n_reference(t.error.node.id) IS NOT NULL
            AND (n.failing IS NULL OR list_contains(list_transform(t.nodes, lambda x: x.id), t.error.node.id))
            THEN t.error.node.id
        ELSE n.failing.id
    END AS error_node_id,
    CASE
        WHEN NOT t.is_unsuccessful THEN NULL
        WHEN t.error_json IS NOT NULL THEN n8n_strip(nullif(t.error.stack, ''))
        ELSE n.failing.stack
    END AS error_stack,
    CASE
        WHEN NOT t.is_unsuccessful THEN NULL
        WHEN t.error_json IS NOT NULL THEN n8n_instant_of_ms(t.error.timestamp)
        ELSE n.failing.at
    END AS error_at,
    t.retry_of,
    t.retry_success_id,
    CASE WHEN t.retry_of IS NULL AND t.mode_text <> 'retry' THEN 0 END::INTEGER AS retry_count,
    CASE
        WHEN t.started_at >= t.said_created_at
            THEN (epoch_us(t.started_at) - epoch_us(t.said_created_at)) / 1e6
    END AS queue_time_s,
    NULL::DOUBLE AS memory_mb,
    CASE WHEN t.runs IS NOT NULL AND NOT (t.status = 'queued' AND cardinality(t.runs) = 0)
        THEN coalesce(n.node_count, 0) END::INTEGER AS node_count,
    CASE WHEN t.data_bytes >= 1 THEN TRY_CAST(t.data_bytes AS BIGINT) END AS data_bytes,
    CASE WHEN t.status NOT IN ('success', 'failed', 'cancelled', 'timeout') THEN t.wait_till END AS wait_till,
    t.workflow_version_id,
    t.parent_execution_id,
    t.parent_workflow_id,
    n8n_strip(t.custom_data) AS custom_data,
    'n8n' AS source,
    t.status_text AS source_status,
    t.mode_text AS source_mode,
    t.created_at,
    coalesce(t.last_stop_at, t.started_at, t.created_at) AS updated_at
FROM timed AS t
LEFT JOIN node_run AS n ON n.record_no = t.record_no
LEFT JOIN node_id AS i ON i.record_no = t.record_no AND i.node_name = t.error.node.name
LEFT JOIN n8n_workflow_names AS w ON w.id = t.workflow_id
ORDER BY t.record_no;
