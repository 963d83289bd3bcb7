-- Gives the memory of the steps back.
DROP TABLE IF EXISTS n8n_record; DROP TABLE IF EXISTS n8n_reject; DROP TABLE IF EXISTS n8n_entry;
