-- The payloads of one execution, its own first. $id: its id, text. View: chosen_payloads.
SELECT * FROM chosen_payloads WHERE execution_id = $id ORDER BY node_id NULLS FIRST, run_index, kind
