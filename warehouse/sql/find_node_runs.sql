-- The node runs of one execution, as they ran. $id: its id, text. View: chosen_node_runs.
SELECT * FROM chosen_node_runs WHERE execution_id = $id ORDER BY order_index, node_id, run_index
