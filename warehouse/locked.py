"""A DuckDB session for SQL that somebody else wrote: it reads the four tables and nothing besides."""

from __future__ import annotations

import json
from typing import Any, Final

from warehouse.duck import DuckSettings, Session, connect, read_sql
from warehouse.errors import BadInputError
from warehouse.scan import attach
from warehouse.schema import TABLES
from warehouse.snapshot import Snapshot

_QUOTE: Final = str.maketrans({"'": "''"})


def locked_session(settings: DuckSettings, snapshot: Snapshot) -> Session:
    """A session with the four views over the live files; no other file, network, extension or setting is in reach.

    A database of its own, because what is locked cannot be unlocked. Memory, threads and the time limit are those of
    `settings`. Costs some 20 ms; close it.
    """
    session = connect(settings)
    attach(session, snapshot)
    paths = ", ".join("'" + file.path.translate(_QUOTE) + "'" for table in TABLES for file in snapshot.files[table])
    session.run(f"SET allowed_paths = [{paths}]")
    session.run("SET enable_external_access = false")
    session.run("SET lock_configuration = true")
    return session


def check_reads_only(session: Session, query: str) -> None:
    """Refuse what is not exactly one SELECT (or FROM, WITH, VALUES, SUMMARIZE, DESCRIBE, SHOW).

    Raises BadInputError with DuckDB's own words for a query that it cannot parse.
    """
    answer: dict[str, Any] = json.loads(session.rows(read_sql("warehouse", "serialized_query"), {"query": query})[0][0])
    if answer.get("error"):
        if answer.get("error_type") == "not implemented":
            raise BadInputError("only queries that read are possible here (SELECT, FROM, WITH, SUMMARIZE, DESCRIBE)")
        raise BadInputError(f"the query cannot be parsed: {answer.get('error_message')}")
    count = len(answer["statements"])
    if count != 1:
        raise BadInputError(f"one query at a time is possible here, got {count}")
