-- Table n8n_entry: one row is one entry of runData (one run of one node) of an accepted record, kept or not.
-- (record_no, node_name, position) is unique, position counts from 1 within the node as n8n does from 0.
-- place: of the node in runData. main_items: number of items at each main output, item_count: at all outputs;
-- NULL: no data. item_error_json: of a node whose onError goes on, the first error among its items.
-- kept: false for what a retry copied from the execution it repeats.
-- is_recovered: n8n made the entry up after a crash, its times and items are not measured.
CREATE OR REPLACE TEMP TABLE n8n_entry AS
WITH by_node AS (
    SELECT
        record_no,
        mode_text,
        started_at AS execution_started_at,
        generate_subscripts(map_keys(runs), 1) AS place,
        unnest(map_entries(runs)) AS node
    FROM n8n_record
    WHERE record_no NOT IN (SELECT record_no FROM n8n_reject)
),

by_run AS (
    SELECT
        record_no,
        mode_text,
        execution_started_at,
        node.key AS node_name,
        place,
        generate_subscripts(node.value, 1) AS position,
        unnest(node.value) AS run
    FROM by_node
),

node AS (
    SELECT
        record_no,
        n.name AS node_name,
        n8n_reference(n.id) AS node_id,
        n8n_reference(n.type) AS node_type,
        coalesce(n.onError LIKE 'continue%', false) OR coalesce(n.continueOnFail, false) AS goes_on,
        place
    FROM (
        SELECT
            record_no,
            generate_subscripts(nodes, 1) AS place,
            unnest(nodes) AS n
        FROM n8n_record
        WHERE runs IS NOT NULL
    )
    WHERE n.name IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY record_no, n.name ORDER BY place) = 1
),

own_id AS (
    -- An id that two nodes of a workflow share tells neither: their names do.
    SELECT
        record_no,
        node_name,
        CASE WHEN count(*) OVER (PARTITION BY record_no, node_id) = 1 THEN node_id END AS node_id,
        node_type,
        goes_on
    FROM node
)

SELECT
    r.record_no,
    r.node_name,
    r.place,
    r.position,
    coalesce(n.node_id, r.node_name) AS node_id,
    n.node_type,
    n8n_reference(r.run.executionStatus) AS source_status,
    n8n_start(r.run.startTime) AS started_at,
    coalesce(r.run.startTime < 1e11, false) AS is_recovered,
    r.run.executionIndex AS execution_index,
    CASE WHEN r.run.executionTime >= 0 AND r.run.executionTime < 1e12 THEN r.run.executionTime END AS execution_ms,
    r.run.source AS source,
    r.run.error AS error_json,
    r.run.redactedError AS redacted_error_json,
    r.run.data AS outputs,
    list_transform(map_extract_value(r.run.data, 'main'), lambda o: coalesce(len(o), 0)) AS main_items,
    list_sum(list_transform(flatten(map_values(r.run.data)), lambda o: coalesce(len(o), 0))) AS item_count,
    CASE
        WHEN n.goes_on THEN
            list_filter(
                list_transform(
                    flatten(map_extract_value(r.run.data, 'main')), lambda item: json_extract(item, '$.json.error')
                ),
                lambda e: coalesce(json_type(e) IN ('OBJECT', 'VARCHAR'), false)
            )[1]
    END AS item_error_json,
    NOT coalesce(
        r.mode_text = 'retry'
        AND n8n_start(r.run.startTime) < CASE
            WHEN r.run.startTime < 1e11 THEN date_trunc('second', r.execution_started_at)
            ELSE r.execution_started_at
        END,
        false
    ) AS kept
FROM by_run AS r
LEFT JOIN own_id AS n ON n.record_no = r.record_no AND n.node_name = r.node_name
WHERE
    r.run.startTime IS NOT NULL
    OR r.run.executionTime IS NOT NULL
    OR r.run.executionStatus IS NOT NULL
    OR r.run.error IS NOT NULL
    OR r.run.redactedError IS NOT NULL
    OR r.run.data IS NOT NULL;
