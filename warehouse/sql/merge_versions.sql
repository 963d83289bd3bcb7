-- Which record wins, for ids that came more than once or that the lake already holds.
--
-- In:  incoming  the batch's rows of those ids (record_no and the columns of `executions`)
--      stored    the lake's rows of those ids (the columns of `executions`)
-- Out: one row an id, sorted by id: the columns of `executions` as they must be from now on, and beside them
--      core_record                    record of the batch whose own values count; -1: the lake's row
--      nodes_record, payloads_record  record of the batch whose node runs / payloads count from now on;
--                                     -1: those the lake holds; NULL: there are none
--      drops_nodes, drops_payloads    the lake holds some and must not any more
--      stored_date                    partition of the lake's row; NULL: the lake has no such id
--      changed                        the lake's row, or what hangs on it, is not yet this
--
-- A record consists of three parts: its core (every column), its node runs, its payloads. Each part is taken from the
-- record with the highest rank among those that carry it; rank = (updated_at, finished), ties are settled
-- by content; n8n's records have no updatedAt of their own, so there finished comes first. So the outcome depends neither on the order nor on the grouping in which records arrive.
-- An id belongs to one source: where n8n's own record of it is there, one that came by another way (an export loaded
-- back, say) does not count. The list entries of n8n carry neither name, trigger, error nor creation: a core that comes without node data keeps these facts
-- from the record that gave the node runs.
WITH versions AS (
    SELECT * FROM incoming
    UNION ALL BY NAME
    SELECT -1::BIGINT AS record_no, * FROM stored
),
of_one_source AS (
    SELECT *
    FROM versions
    QUALIFY source = 'n8n' OR NOT bool_or(source = 'n8n') OVER (PARTITION BY id)
),
ranked AS (
    SELECT
        *,
        epoch_us(updated_at) * 2
            + CASE WHEN status IN ('queued', 'running') THEN 0 WHEN source = 'n8n' THEN 1 + (1::BIGINT << 61) ELSE 1 END
            AS core_rank
    FROM of_one_source
),
keyed AS (
    SELECT
        *,
        nodes_hash IS NOT NULL AND nodes_rank IS NULL AS has_nodes,
        source = 'n8n' AND NOT (nodes_hash IS NOT NULL AND nodes_rank IS NULL) AS is_partial,
        CASE WHEN nodes_hash IS NOT NULL THEN coalesce(nodes_rank, core_rank) END AS nodes_key,
        CASE WHEN payloads_hash IS NOT NULL THEN coalesce(payloads_rank, core_rank) END
            AS payloads_key,
        {
            'workflow_name': workflow_name, 'mode': mode, 'trigger_type': trigger_type,
            'trigger_source': trigger_source, 'trigger_at': trigger_at, 'error_type': error_type,
            'error_message': error_message, 'error_node_id': error_node_id, 'error_stack': error_stack,
            'error_at': error_at, 'error_fingerprint': error_fingerprint, 'data_bytes': data_bytes,
            'workflow_version_id': workflow_version_id, 'parent_execution_id': parent_execution_id,
            'parent_workflow_id': parent_workflow_id, 'custom_data': custom_data, 'queue_time_s': queue_time_s,
            'created_at': created_at
        } AS facts,
        {
            'workflow_id': workflow_id, 'status': status, 'started_at': started_at, 'stopped_at': stopped_at,
            'duration_s': duration_s, 'retry_of': retry_of, 'retry_count': retry_count, 'memory_mb': memory_mb,
            'wait_till': wait_till, 'source': source, 'source_status': source_status, 'source_mode': source_mode
        } AS rest
    FROM ranked
),
ordered AS MATERIALIZED (
    SELECT
        *,
        hash(facts) AS facts_hash,
        (facts.workflow_name IS NOT NULL)::INT + (facts.trigger_type IS NOT NULL)::INT
            + (facts.trigger_source IS NOT NULL)::INT + (facts.trigger_at IS NOT NULL)::INT
            + (facts.error_type IS NOT NULL)::INT + (facts.error_message IS NOT NULL)::INT
            + (facts.error_node_id IS NOT NULL)::INT + (facts.error_stack IS NOT NULL)::INT
            + (facts.error_at IS NOT NULL)::INT + (facts.data_bytes IS NOT NULL)::INT
            + (facts.workflow_version_id IS NOT NULL)::INT + (facts.parent_execution_id IS NOT NULL)::INT
            + (facts.custom_data IS NOT NULL)::INT + (facts.queue_time_s IS NOT NULL)::INT AS facts_known,
        hash(rest) AS rest_hash,
        (rest.workflow_id IS NOT NULL)::INT + (rest.started_at IS NOT NULL)::INT + (rest.stopped_at IS NOT NULL)::INT
            + (rest.duration_s IS NOT NULL)::INT + (rest.retry_of IS NOT NULL)::INT
            + (rest.retry_count IS NOT NULL)::INT + (rest.memory_mb IS NOT NULL)::INT + (rest.wait_till IS NOT NULL)::INT
            AS rest_known
    FROM keyed
),
cores AS (
    SELECT *
    FROM ordered
    QUALIFY row_number() OVER (
        PARTITION BY id
        ORDER BY
            core_rank DESC,
            has_nodes DESC,
            CASE WHEN has_nodes THEN nodes_hash END DESC NULLS LAST,
            CASE WHEN NOT is_partial THEN facts_known END DESC NULLS LAST,
            CASE WHEN NOT is_partial THEN facts_hash END DESC NULLS LAST,
            rest_known DESC,
            rest_hash DESC,
            CASE WHEN has_nodes OR nodes_hash IS NULL THEN node_count END DESC NULLS LAST,
            record_no
    ) = 1
),
node_givers AS (
    SELECT *
    FROM ordered
    WHERE nodes_hash IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY id
        ORDER BY nodes_key DESC, nodes_hash DESC, facts_known DESC, facts_hash DESC, node_count DESC NULLS LAST, record_no
    ) = 1
),
payload_givers AS (
    SELECT *
    FROM ordered
    WHERE payloads_hash IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY id ORDER BY payloads_key DESC, payloads_hash DESC, record_no) = 1
),
successes AS (
    SELECT id, max(retry_success_id) AS retry_success_id FROM ordered GROUP BY id
),
merged AS MATERIALIZED (
    SELECT
        core.id,
        core.workflow_id,
        CASE WHEN core.is_partial AND nodes.id IS NOT NULL THEN nodes.facts ELSE core.facts END AS facts,
        core.status,
        core.started_at,
        core.stopped_at,
        core.duration_s,
        core.retry_of,
        successes.retry_success_id,
        core.retry_count,
        core.memory_mb,
        CASE WHEN core.has_nodes OR nodes.id IS NULL THEN core.node_count ELSE nodes.node_count END AS node_count,
        core.wait_till,
        core.source,
        core.source_status,
        core.source_mode,
        core.updated_at,
        nullif(nodes.nodes_key, core.core_rank) AS nodes_rank,
        CASE WHEN core.has_nodes THEN core.nodes_hash ELSE nodes.nodes_hash END AS nodes_hash,
        nullif(payloads.payloads_key, core.core_rank) AS payloads_rank,
        payloads.payloads_hash,
        core.record_no AS core_record,
        CASE WHEN core.has_nodes THEN core.record_no ELSE nodes.record_no END AS nodes_record,
        payloads.record_no AS payloads_record
    FROM cores AS core
    JOIN successes USING (id)
    LEFT JOIN node_givers AS nodes USING (id)
    LEFT JOIN payload_givers AS payloads USING (id)
),
final AS (
    SELECT
        id, workflow_id, facts.workflow_name, status, facts.mode, facts.trigger_type, facts.trigger_source,
        facts.trigger_at, started_at, stopped_at, duration_s, facts.error_type, facts.error_message,
        facts.error_node_id, facts.error_stack, facts.error_at, facts.error_fingerprint, retry_of, retry_success_id,
        retry_count, facts.queue_time_s, memory_mb, node_count, facts.data_bytes, wait_till, facts.workflow_version_id,
        facts.parent_execution_id, facts.parent_workflow_id, facts.custom_data, source, source_status, source_mode,
        facts.created_at, updated_at, nodes_rank, nodes_hash, payloads_rank, payloads_hash,
        CAST(timezone('UTC', placed_at(started_at, facts.created_at)) AS DATE) AS date
    FROM merged
)
SELECT
    final.*,
    merged.core_record,
    CASE WHEN final.nodes_hash = stored.nodes_hash THEN -1 ELSE merged.nodes_record END AS nodes_record,
    CASE WHEN final.payloads_hash = stored.payloads_hash THEN -1 ELSE merged.payloads_record END AS payloads_record,
    final.nodes_hash IS NULL AND stored.nodes_hash IS NOT NULL AS drops_nodes,
    final.payloads_hash IS NULL AND stored.payloads_hash IS NOT NULL AS drops_payloads,
    stored.date AS stored_date,
    stored IS DISTINCT FROM final AS changed
FROM final
JOIN merged USING (id)
LEFT JOIN stored USING (id)
ORDER BY final.id
