-- The log lines of one execution, as they were written. $id: its id, text. View: chosen_logs.
SELECT * FROM chosen_logs WHERE execution_id = $id ORDER BY logged_at, seq
