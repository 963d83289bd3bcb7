"""The data contract: the four tables of a lake, a column at a time.

Every table is a Delta table partitioned by `date`. Instants are UTC with microseconds, ids are strings,
a unit is part of the name (`_s` seconds, `_mb` mebibytes, `_bytes`). What NULL means stands with each column.
The text of each column is kept in the Arrow field's metadata too, so that a tool can show it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import pyarrow as pa

TableName = Literal["executions", "node_runs", "payloads", "logs"]
TABLES: Final[tuple[TableName, ...]] = get_args(TableName)

Status = Literal["queued", "running", "success", "failed", "cancelled", "timeout"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
FINISHED: Final[tuple[Status, ...]] = ("success", "failed", "cancelled", "timeout")
"""The statuses an execution does not leave. The others are queued and running (a waiting execution is running)."""

UNSUCCESSFUL: Final[tuple[Status, ...]] = ("failed", "cancelled", "timeout")
"""The statuses that `failedExecutions` counts; success + these = finished."""

Mode = Literal["manual", "trigger", "webhook", "scheduled", "retry"]
MODES: Final[tuple[Mode, ...]] = get_args(Mode)

LogLevel = Literal["debug", "info", "warn", "error"]
LOG_LEVELS: Final[tuple[LogLevel, ...]] = get_args(LogLevel)

INSTANT: Final = pa.timestamp("us", tz="UTC")


def _column(name: str, kind: pa.DataType, doc: str, *, nullable: bool = True) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"doc": doc})


EXECUTIONS: Final = pa.schema(
    [
        _column("id", pa.string(), "The execution's id, unique in the lake.", nullable=False),
        _column("workflow_id", pa.string(), "Id of the workflow that ran. NULL: the engine did not say."),
        _column("workflow_name", pa.string(), "Name of the workflow as it was then. NULL: not known."),
        _column("status", pa.string(), "One of STATUSES.", nullable=False),
        _column("mode", pa.string(), "One of MODES: what started it.", nullable=False),
        _column("trigger_type", pa.string(), "Kind of the trigger, e.g. webhook. NULL: not known."),
        _column("trigger_source", pa.string(), "What the trigger listened to, e.g. github. NULL: not known."),
        _column("trigger_at", INSTANT, "When the trigger fired. NULL: not recorded."),
        _column("started_at", INSTANT, "When it began to run. NULL: it has not begun."),
        _column("stopped_at", INSTANT, "When it ended. NULL: it has not ended."),
        _column(
            "duration_s",
            pa.float64(),
            "Wall-clock seconds from start to stop. NULL: not ended, or not trustworthy (crashed).",
        ),
        _column("error_type", pa.string(), "Class of the error. NULL: no error."),
        _column("error_message", pa.string(), "Text of the error. NULL: no error."),
        _column("error_node_id", pa.string(), "Node that raised the error. NULL: none, or not known."),
        _column("error_stack", pa.string(), "Stack trace as the engine gave it. NULL: none."),
        _column("error_at", INSTANT, "When the error was raised. NULL: no error, or not recorded."),
        _column("error_fingerprint", pa.string(), "Group of like errors (versioned rule). NULL: no error."),
        _column("retry_of", pa.string(), "Id of the execution that this one repeats. NULL: not a retry."),
        _column("retry_success_id", pa.string(), "Id of the retry that succeeded. NULL: none has."),
        _column("retry_count", pa.int32(), "How many retries came before this one. NULL: not known."),
        _column("queue_time_s", pa.float64(), "Seconds between creation and start. NULL: not known."),
        _column("memory_mb", pa.float64(), "Peak memory in MiB. NULL: not measured."),
        _column("node_count", pa.int32(), "Number of node runs. NULL: not known."),
        _column("data_bytes", pa.int64(), "Size of the data the engine keeps of it. NULL: not known."),
        _column("wait_till", INSTANT, "A waiting execution resumes then. NULL: it does not wait."),
        _column("workflow_version_id", pa.string(), "Version of the workflow that ran. NULL: not known."),
        _column("parent_execution_id", pa.string(), "Execution that called this one. NULL: none."),
        _column("parent_workflow_id", pa.string(), "Workflow of that execution. NULL: none."),
        _column("custom_data", pa.string(), "JSON object of the user's own keys. NULL: none."),
        _column("source", pa.string(), "Format it came from: runlake or n8n.", nullable=False),
        _column("source_status", pa.string(), "The engine's own word for the status.", nullable=False),
        _column("source_mode", pa.string(), "The engine's own word for the mode.", nullable=False),
        _column("created_at", INSTANT, "When the record was made (queued).", nullable=False),
        _column("updated_at", INSTANT, "State of knowledge: the newest of an id wins.", nullable=False),
        _column("nodes_rank", pa.int64(), "Rank of the record that gave the node runs. NULL: this very record."),
        _column("nodes_hash", pa.int64(), "Hash of the node runs. NULL: no node data came."),
        _column("payloads_rank", pa.int64(), "Rank of the record that gave the payloads. NULL: this very record."),
        _column("payloads_hash", pa.int64(), "Hash of the payloads. NULL: no payload came."),
        _column("date", pa.date32(), "Partition: UTC date of started_at, else of created_at.", nullable=False),
    ]
)
"""One row is one execution. Files of a partition are sorted by coalesce(started_at, created_at)."""

NODE_RUNS: Final = pa.schema(
    [
        _column("execution_id", pa.string(), "The execution.", nullable=False),
        _column("workflow_id", pa.string(), "Its workflow. NULL: not known."),
        _column("node_id", pa.string(), "Id of the node (its name where it has none).", nullable=False),
        _column("node_name", pa.string(), "Name of the node. NULL: not known."),
        _column("node_type", pa.string(), "Type of the node. NULL: not known."),
        _column("run_index", pa.int32(), "0 for the node's first run in the execution.", nullable=False),
        _column("order_index", pa.int32(), "Position among all node runs of the execution, from 0.", nullable=False),
        _column("status", pa.string(), "One of STATUSES.", nullable=False),
        _column("source_status", pa.string(), "The engine's own word. NULL: it gave none."),
        _column("started_at", INSTANT, "When the run began. NULL: not recorded."),
        _column("stopped_at", INSTANT, "When it ended. NULL: not ended or not recorded."),
        _column(
            "duration_s", pa.float64(), "Seconds from start to stop, retries of the node included. NULL: not known."
        ),
        _column("items_in", pa.int64(), "Items it received. NULL: not known."),
        _column("items_out", pa.int64(), "Items it gave. NULL: not known."),
        _column("input_from", pa.string(), "JSON: the node runs that fed it. NULL: none, or not recorded."),
        _column("error_type", pa.string(), "Class of the error. NULL: no error."),
        _column("error_message", pa.string(), "Text of the error. NULL: no error."),
        _column("error_stack", pa.string(), "Stack trace. NULL: none."),
        _column("error_at", INSTANT, "When the error was raised. NULL: no error, or not recorded."),
        _column("date", pa.date32(), "Partition: the date of its execution.", nullable=False),
    ]
)
"""One row is one run of one node: (execution_id, node_id, run_index) is unique."""

PAYLOADS: Final = pa.schema(
    [
        _column("execution_id", pa.string(), "The execution.", nullable=False),
        _column("node_id", pa.string(), "The node. NULL: the payload is the execution's own."),
        _column("run_index", pa.int32(), "Run of the node, from 0; 0 for the execution's own.", nullable=False),
        _column("kind", pa.string(), "input, output or trigger.", nullable=False),
        _column("data", pa.string(), "The payload as JSON text, secrets masked.", nullable=False),
        _column("data_bytes", pa.int64(), "Bytes of that text.", nullable=False),
        _column("date", pa.date32(), "Partition: the date of its execution.", nullable=False),
    ]
)
"""One row is one JSON payload: (execution_id, node_id, run_index, kind) is unique."""

LOGS: Final = pa.schema(
    [
        _column("execution_id", pa.string(), "The execution.", nullable=False),
        _column("seq", pa.int32(), "Position among the execution's lines of this instant, from 0.", nullable=False),
        _column("logged_at", INSTANT, "When the line was written.", nullable=False),
        _column("level", pa.string(), "One of LOG_LEVELS.", nullable=False),
        _column("node_id", pa.string(), "The node that wrote it. NULL: the execution itself."),
        _column("message", pa.string(), "The line, secrets masked.", nullable=False),
        _column("data", pa.string(), "JSON object beside the line. NULL: none."),
        _column("date", pa.date32(), "Partition: the date of its execution.", nullable=False),
    ]
)
"""One row is one log line."""

SCHEMAS: Final[dict[TableName, pa.Schema]] = {
    "executions": EXECUTIONS,
    "node_runs": NODE_RUNS,
    "payloads": PAYLOADS,
    "logs": LOGS,
}

KEY_COLUMN: Final[dict[TableName, str]] = {
    "executions": "id",
    "node_runs": "execution_id",
    "payloads": "execution_id",
    "logs": "execution_id",
}
"""The column that holds the execution's id; it carries the Bloom filter."""

RECORD_NO: Final = pa.field("record_no", pa.int64(), nullable=False)


def batch_schema(table: TableName) -> pa.Schema:
    """The table's schema with `record_no` before it: which record of the batch a row came from."""
    return pa.schema([RECORD_NO, *SCHEMAS[table]])


@dataclass(frozen=True, slots=True)
class Batch:
    """Records on their way into the lake, already normalised; the four tables hang together by `record_no`.

    `executions` has one row a record, `record_no` unique; an id may occur more than once (the merge settles it).
    The other three hold the node runs, payloads and log lines of those records. Each has `batch_schema(table)`.
    """

    executions: pa.Table
    node_runs: pa.Table
    payloads: pa.Table
    logs: pa.Table

    def table(self, name: TableName) -> pa.Table:
        """The Arrow table of that name."""
        found: pa.Table = getattr(self, name)
        return found


def column_docs(table: TableName) -> list[tuple[str, str, bool, str]]:
    """(name, Arrow type, nullable, meaning) of each column, in order; what `runlake sql --schema` prints."""
    return [
        (field.name, str(field.type), field.nullable, (field.metadata or {}).get(b"doc", b"").decode())
        for field in SCHEMAS[table]
    ]
