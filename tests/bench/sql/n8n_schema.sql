-- What n8n 2 keeps of an execution in PostgreSQL: its columns, types and keys, the workflow's name beside it.
CREATE TABLE workflow_entity (
    id VARCHAR(36) PRIMARY KEY,
    name VARCHAR(128) NOT NULL
);

CREATE TABLE execution_entity (
    id SERIAL,
    finished BOOLEAN NOT NULL,
    mode VARCHAR NOT NULL,
    "retryOf" VARCHAR,
    "retrySuccessId" VARCHAR,
    status VARCHAR NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
    "startedAt" TIMESTAMPTZ(3),
    "stoppedAt" TIMESTAMPTZ(3),
    "deletedAt" TIMESTAMPTZ(3),
    "workflowId" VARCHAR(36) NOT NULL,
    "waitTill" TIMESTAMPTZ(3),
    "storedAt" VARCHAR(2) NOT NULL DEFAULT 'db',
    "tracingContext" JSON,
    "deduplicationKey" VARCHAR(255),
    "jsonSizeBytes" BIGINT NOT NULL DEFAULT 0,
    "binaryDataSizeBytes" BIGINT NOT NULL DEFAULT 0,
    "workflowVersionId" VARCHAR(36)
);

-- Not n8n's: which execution of the lake each of some is.
CREATE TABLE asked (
    id INTEGER PRIMARY KEY,
    runlake_id TEXT NOT NULL
);
