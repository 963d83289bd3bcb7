-- The rows of `executions` (batch_schema, `record_no` = number of the record) of the drawn records,
-- ordered by the instant that places them, then by number.
--
-- $seed. Tables: generate_rows (see generate_rows.sql), generate_workflows, generate_families.
-- nodes_hash and payloads_hash are NULL: these are narrow records, without node data.
WITH told AS (
    SELECT
        row.*,
        flow.*,
        family.error_type,
        replace(replace(replace(replace(
            family.template,
            '{n}', (1 + floor(90000 * generate_uniform($seed, no, 20)))::BIGINT::VARCHAR),
            '{id}', format('{:x}', hash(hash(no, $seed, 21)))),
            '{host}', ['api.partner', 'db-1.eu', 'db-2.eu', 'crm', 'ledger', 'files.eu'][
                1 + floor(6 * generate_uniform($seed, no, 22))::INTEGER
            ] || '.example.com'),
            '{ms}', CASE family.family WHEN 9 THEN flow.time_limit_ms ELSE 5000 * (1 + no % 6) END::VARCHAR
        ) AS error_message,
        make_timestamp(begin_us)::TIMESTAMPTZ AS begin_at,
        make_timestamp(stop_us)::TIMESTAMPTZ AS stopped_at,
        make_timestamp(begin_us - coalesce(queue_ms, 0) * 1000)::TIMESTAMPTZ AS created_at,
        CASE WHEN status <> 'queued' THEN begin_at END AS started_at,
        CASE
            WHEN attempt > 0 THEN 'retry'
            WHEN generate_uniform($seed, no, 23) < 0.012 THEN 'manual'
            ELSE CASE trigger_kind WHEN 'schedule' THEN 'scheduled' WHEN 'webhook' THEN 'webhook' ELSE 'trigger' END
        END AS mode
    FROM generate_rows AS row
    JOIN generate_workflows AS flow USING (workflow_no)
    LEFT JOIN generate_families AS family USING (family)
)
SELECT
    no AS record_no,
    generate_id($seed, no) AS id,
    workflow_id,
    workflow_name,
    status,
    mode,
    trigger_kind AS trigger_type,
    trigger_source,
    created_at AS trigger_at,
    started_at,
    stopped_at,
    duration_ms / 1000.0::DOUBLE AS duration_s,
    error_type,
    error_message,
    CASE WHEN family <> 9 THEN node_ids[fail_node + 1] END AS error_node_id,
    NULL::VARCHAR AS error_stack,
    CASE WHEN family IS NOT NULL THEN stopped_at END AS error_at,
    error_fingerprint(error_type, error_message) AS error_fingerprint,
    CASE WHEN parent_no IS NOT NULL THEN generate_id($seed, parent_no) END AS retry_of,
    CASE WHEN success_no IS NOT NULL THEN generate_id($seed, success_no) END AS retry_success_id,
    attempt::INTEGER AS retry_count,
    queue_ms / 1000.0::DOUBLE AS queue_time_s,
    CASE WHEN status <> 'queued'
        THEN round(memory_mb * exp(0.2 * generate_normal($seed, no, 24)), 1) END AS memory_mb,
    CASE WHEN status NOT IN ('queued', 'running') THEN coalesce(fail_node + 1, len(node_ids)) END::INTEGER AS node_count,
    CASE WHEN status NOT IN ('queued', 'running')
        THEN floor(600 * exp(1.1 * generate_normal($seed, no, 26)))::BIGINT END AS data_bytes,
    NULL::TIMESTAMPTZ AS wait_till,
    NULL::VARCHAR AS workflow_version_id,
    NULL::VARCHAR AS parent_execution_id,
    NULL::VARCHAR AS parent_workflow_id,
    NULL::VARCHAR AS custom_data,
    'runlake' AS source,
    status AS source_status,
    mode AS source_mode,
    created_at,
    coalesce(stopped_at, started_at, created_at) AS updated_at,
    NULL::BIGINT AS nodes_rank,
    NULL::BIGINT AS nodes_hash,
    NULL::BIGINT AS payloads_rank,
    NULL::BIGINT AS payloads_hash,
    begin_at::TIMESTAMP::DATE AS date
FROM told
ORDER BY begin_us, no
