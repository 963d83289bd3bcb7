"""n8n's execution records (items of its API pages, single GETs, of any version) to rows of the four tables.

The rules are SQL, in `ingest/sql/n8n_*.sql`: record -> reject -> entry (of runData) -> node run and payload ->
execution. Python only carries Arrow tables between the steps, because secrets are masked there.

Whatever the payload policy, resume tokens, signatures of resume URLs and n8n API keys never come out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from ingest.format import RECORDS, REJECT_SCHEMA, VALUE_MAX_CHARS, Normalised, NormaliseOptions
from ingest.redact import mask_json, mask_text
from warehouse.duck import Session, read_sql
from warehouse.schema import Batch, batch_schema

_NAMES: Final = pa.schema([pa.field("id", pa.string()), pa.field("name", pa.string())])

_SURROGATES: Final = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
"""An escape sequence of JSON; `lone` where it is half of a surrogate pair, which no text encoding has."""


class N8nFormat:
    """The format `n8n`; see the head of the module."""

    name: Final = "n8n"

    def normalise(self, session: Session, records: pa.Table, options: NormaliseOptions) -> Normalised:
        """Rows of the records that can be accepted, reasons for the others; see `ingest.format.Format`.

        Costs about 1 s for 100 MB of records on two threads; takes some three times their size in memory.
        """
        with _steps(session):
            _parse(session, records)
            for step in ("n8n_reject", "n8n_entry"):
                _run(session, step)
            node_run = _masked(session.table(read_sql("ingest", "n8n_node_run"), time_limit_s=0), options)
            with session.tables(n8n_node_run=node_run):
                payload = _payloads(session, options)
                with session.tables(n8n_workflow_names=_names(options.workflow_names)):
                    execution = session.table(read_sql("ingest", "n8n_execution"), time_limit_s=0)
                execution = _masked(execution, options)
                batch = _batch(session, execution, payload)
            rejects = session.table("SELECT * FROM n8n_reject ORDER BY record_no")
        return Normalised(batch, _shortened(rejects))


@contextmanager
def _steps(session: Session) -> Iterator[None]:
    """The temporary tables of the mapping live inside the block."""
    session.run(read_sql("ingest", "n8n_macros"))
    try:
        yield
    finally:
        session.run(read_sql("ingest", "n8n_drop"))


def _run(session: Session, name: str) -> None:
    session.run(read_sql("ingest", name), time_limit_s=0)


def _parse(session: Session, records: pa.Table) -> None:
    """Fill n8n_record; a text with halves of surrogate pairs (JavaScript can write them) is mended and parsed again."""
    with session.tables(n8n_records=records):
        _run(session, "n8n_record")
    unread = session.table("SELECT record_no FROM n8n_record WHERE NOT known AND NOT is_json").column("record_no")
    if not len(unread):
        return
    mendable = records.filter(
        pc.and_(
            pc.is_in(records.column("record_no"), value_set=unread.combine_chunks()),
            pc.match_substring(records.column("raw"), "\\ud", ignore_case=True),
        )
    )
    if not mendable.num_rows:
        return
    mended = [_without_lone_surrogates(raw) for raw in mendable.column("raw").to_pylist()]
    again = pa.table([mendable.column("record_no"), pa.array(mended, pa.string())], schema=RECORDS)
    with session.tables(n8n_records=again, n8n_rest=records.filter(_not_in(records, mendable))):
        session.run("CREATE OR REPLACE TEMP TABLE n8n_whole AS SELECT * FROM n8n_record", time_limit_s=0)
        _run(session, "n8n_record")
        session.run(
            "INSERT INTO n8n_record SELECT * FROM n8n_whole"
            " WHERE record_no NOT IN (SELECT record_no FROM n8n_records); DROP TABLE n8n_whole",
            time_limit_s=0,
        )


def _not_in(records: pa.Table, others: pa.Table) -> pa.ChunkedArray:
    numbers = others.column("record_no").combine_chunks()
    return pc.invert(pc.is_in(records.column("record_no"), value_set=numbers))


def _without_lone_surrogates(raw: str) -> str:
    return _SURROGATES.sub(lambda found: "\\ufffd" if found["lone"] else found[0], raw)


def _names(names: Mapping[str, str]) -> pa.Table:
    return pa.table([pa.array(names.keys(), pa.string()), pa.array(names.values(), pa.string())], schema=_NAMES)


def _masked(rows: pa.Table, options: NormaliseOptions) -> pa.Table:
    """The rows with secrets masked in error texts and the user's own data, unless all is to be kept."""
    if options.payloads == "keep":
        return rows
    for column in ("error_message", "error_stack"):
        rows = _replaced(rows, column, mask_text(rows.column(column), options.secret_keys))
    if "custom_data" in rows.schema.names:
        rows = _replaced(rows, "custom_data", mask_json(rows.column("custom_data"), options.secret_keys))
    return rows


def _payloads(session: Session, options: NormaliseOptions) -> pa.Table:
    if options.payloads == "drop":
        sql = "SELECT * FROM (" + read_sql("ingest", "n8n_payload").rstrip().rstrip(";") + ") LIMIT 0"
        return session.table(sql)
    rows = session.table(read_sql("ingest", "n8n_payload"), time_limit_s=0)
    if options.payloads == "redact":
        rows = _replaced(rows, "data", mask_json(rows.column("data"), options.secret_keys))
    return rows


def _replaced(rows: pa.Table, column: str, values: pa.ChunkedArray) -> pa.Table:
    return rows.set_column(rows.schema.get_field_index(column), column, values)


def _batch(session: Session, execution: pa.Table, payload: pa.Table) -> Batch:
    """The four tables from the steps' tables; n8n_node_run is visible to the session already."""
    with session.tables(n8n_execution=execution, n8n_stored_payload=payload):
        finished = session.table(read_sql("ingest", "n8n_finish"), time_limit_s=0)
        with session.tables(n8n_finished=finished):
            node_runs = session.table(read_sql("ingest", "n8n_node_runs"), time_limit_s=0)
            payloads = session.table(read_sql("ingest", "n8n_payloads"), time_limit_s=0)
    return Batch(
        executions=finished.cast(batch_schema("executions")),
        node_runs=node_runs.cast(batch_schema("node_runs")),
        payloads=payloads.cast(batch_schema("payloads")),
        logs=batch_schema("logs").empty_table(),
    )


def _shortened(rejects: pa.Table) -> pa.Table:
    """The rejects with REJECT_SCHEMA, values cut to VALUE_MAX_CHARS characters (an ellipsis says so)."""
    value = rejects.column("value")
    too_long = pc.greater(pc.utf8_length(value), VALUE_MAX_CHARS)
    cut = pc.binary_join_element_wise(pc.utf8_slice_codeunits(value, 0, VALUE_MAX_CHARS - 1), "…", "")
    return _replaced(rejects, "value", pc.if_else(too_long, cut, value)).cast(REJECT_SCHEMA)
