-- Executions as lines of a CSV file (RFC 4180): one row is one line with its line end, in the order of the view
-- `chosen_executions`.
--
-- Parameters: those of matching_executions (filters.sql); $cut_at, $cut_id: only executions that come before this
-- instant and id in the order of the export, NULL: all; $after_at, $after_id:
-- only those that come after these.
-- The cells are the columns of EXPORT_SCHEMA (warehouse/export.py) in its order. Instants: ISO 8601 with Z.
-- NULL: an empty cell; empty text: "". Text that a spreadsheet would run gets an apostrophe before it (export_cell).
-- (Measured: half as costly again by DuckDB's own CSV writer, and that needs a file to write to.)
SELECT concat(
    export_csv_text(id),
    ',', export_csv_text(workflow_id),
    ',', export_csv_text(workflow_name),
    ',', status,
    ',', mode,
    ',', export_csv_text(trigger_type),
    ',', export_csv_text(trigger_source),
    ',', export_instant(trigger_at),
    ',', export_instant(started_at),
    ',', export_instant(stopped_at),
    ',', duration_s,
    ',', export_csv_text(error_type),
    ',', export_csv_text(error_message),
    ',', export_csv_text(error_node_id),
    ',', export_csv_text(error_stack),
    ',', export_instant(error_at),
    ',', error_fingerprint,
    ',', export_csv_text(retry_of),
    ',', export_csv_text(retry_success_id),
    ',', retry_count,
    ',', queue_time_s,
    ',', memory_mb,
    ',', node_count,
    ',', data_bytes,
    ',', export_instant(wait_till),
    ',', export_csv_text(workflow_version_id),
    ',', export_csv_text(parent_execution_id),
    ',', export_csv_text(parent_workflow_id),
    ',', export_csv_text(custom_data),
    ',', source,
    ',', export_csv_text(source_status),
    ',', export_csv_text(source_mode),
    ',', export_instant(created_at),
    ',', export_instant(updated_at),
    ',', date,
    chr(13), chr(10)
) AS line
FROM matching_executions(
    $since, $until, $workflow_ids, $statuses, $modes, $error_types, $fingerprint, $min_duration_s,
    $retry_of, $error_text
)
WHERE ($cut_at IS NULL OR (placed_at(started_at, created_at), id) < ($cut_at, $cut_id))
    AND (
        $after_at IS NULL
        OR placed_at(started_at, created_at) > $after_at::TIMESTAMPTZ
        OR (placed_at(started_at, created_at) = $after_at::TIMESTAMPTZ AND id > $after_id)
    )
