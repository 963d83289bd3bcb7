-- One row is the output of one stored node run (n8n_node_run), its items in the order of the outputs: main first, then
-- the others (ai_...) by name. data: a JSON array of n8n's items, secrets under keys not masked yet.
-- A node run without items, or one whose items n8n made up or redacted, has no row.
WITH item AS (
    SELECT
        record_no,
        node_name,
        position,
        list_filter(
            flatten(
                list_concat(
                    map_extract_value(outputs, 'main'),
                    flatten(
                        list_transform(
                            list_filter(list_sort(map_keys(outputs)), lambda key: key <> 'main'),
                            lambda key: map_extract_value(outputs, key)
                        )
                    )
                )
            ),
            lambda item: item IS NOT NULL
        ) AS items
    FROM n8n_entry
    WHERE
        kept
        AND NOT is_recovered
        AND record_no NOT IN (SELECT record_no FROM n8n_record WHERE is_redacted)
)

SELECT
    i.record_no,
    n.node_id,
    n.run_index,
    'output' AS kind,
    n8n_strip('[' || array_to_string(i.items, ',') || ']') AS data
FROM item AS i
INNER JOIN n8n_node_run AS n
    ON n.record_no = i.record_no AND n.node_name = i.node_name AND n.position = i.position
WHERE len(i.items) > 0
ORDER BY i.record_no, n.order_index;
