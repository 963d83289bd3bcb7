-- The keys and indexes that n8n 2 has on execution_entity; there is none on "startedAt".
ALTER TABLE execution_entity ADD PRIMARY KEY (id);

ALTER TABLE execution_entity ADD UNIQUE ("deduplicationKey");

ALTER TABLE execution_entity
ADD FOREIGN KEY ("workflowId") REFERENCES workflow_entity (id) ON DELETE CASCADE;

CREATE INDEX ON execution_entity ("workflowId", id);

CREATE INDEX ON execution_entity ("waitTill", id);

CREATE INDEX ON execution_entity (finished, id);

CREATE INDEX ON execution_entity ("workflowId", finished, id);

CREATE INDEX ON execution_entity ("workflowId", "waitTill", id);

CREATE INDEX ON execution_entity ("stoppedAt");

CREATE INDEX ON execution_entity ("workflowId", status, id) WHERE "deletedAt" IS NULL;
