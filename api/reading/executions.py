"""What the read routes answer, as JSON values: lists, details, data, logs. Each takes a warehouse that stands still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from api.auth import Principal
from api.failures import ApiError
from api.reading.cursors import Cursors, InvalidCursorError
from api.reading.etag import Body
from api.reading.execution_json import detail_json, execution_json, logs_json
from api.reading.json_text import spliced
from api.reading.node_data import NodeRuns, csv_lines, data_missing, node_runs, raw_lines
from api.reading.questions import listed_filter
from api.reading.selection import FilterWords
from api.reading.spreadsheet import attachment
from warehouse import Warehouse
from warehouse.clock import now
from warehouse.details import LogPage, LogQuery
from warehouse.filters import ExecutionFilter
from warehouse.listing import Detail, ListQuery, ListSort, PageKey
from warehouse.schema import SCHEMAS, TABLES, LogLevel, TableName

DETAIL_LOG_LINES: Final = 1000
"""Lines that a detail shows; logsNextCursor leads to the others."""

_DETAIL_TABLES: Final[tuple[TableName, ...]] = ("node_runs", "payloads", "logs")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, with what makes and opens their cursors, and the time zone of dates without one."""

    principal: Principal
    cursors: Cursors
    timezone: str


@dataclass(frozen=True, slots=True)
class ListQuestion:
    """Which page of which executions, in the caller's words."""

    words: FilterWords
    sort: ListSort = "-startedAt"
    limit: int = 20
    cursor: str | None = None
    include: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LogQuestion:
    """Which lines of a log, in the caller's words."""

    level: LogLevel | None = None
    node_id: str | None = None
    limit: int = 100
    cursor: str | None = None


def executions_page(house: Warehouse, asker: Asker, question: ListQuestion) -> dict[str, Any]:
    """A page of the list. A range that moves with the clock stands still from the first page on."""
    asked = ["list", question.sort, *filter_key(asker, question.words)]
    chosen = listed_filter(question.words, asker.principal, asker.timezone, now())
    after: PageKey | None = None
    if question.cursor is not None:
        chosen, after = _continued(asker, asked, chosen, question)
    page = house.list(ListQuery(chosen, question.sort, question.limit, after))
    pagination: dict[str, Any] = {"limit": question.limit, "hasMore": page.next_key is not None}
    if page.next_key is not None:
        value, last_id = page.next_key
        key = to_us(value) if isinstance(value, datetime) else value
        since_us = None if chosen.since is None else to_us(chosen.since)
        pagination["nextCursor"] = asker.cursors.pack(asked, [since_us, key, last_id])
    pagination["total"] = page.total
    return {"data": _rows(house, page.rows, question.include), "pagination": pagination}


def execution_detail(house: Warehouse, asker: Asker, id: str, include: frozenset[str]) -> dict[str, Any]:
    """One execution with its nodes' status and timing, and what was asked to be included."""
    tables: list[TableName] = ["executions", "node_runs"]
    if "data" in include:
        tables.append("payloads")
    found = existing(house, asker.principal, id, tables)
    body = detail_json(found, with_data="data" in include, with_logs=False, with_stack="error" in include, load=spliced)
    if "logs" in include:
        page = house.log_page(id, found.record()["date"], LogQuery(limit=DETAIL_LOG_LINES))
        body["logs"] = logs_json(page.rows, load=spliced)
        if page.next_key is not None:
            body["logsNextCursor"] = _log_cursor(asker, id, LogQuestion(), page)
        if gone := _logs_gone(house, found, page):
            body["unavailable"] = {**body.get("unavailable", {}), **gone}
    return body


def execution_logs(house: Warehouse, asker: Asker, id: str, question: LogQuestion) -> dict[str, Any]:
    """Lines of the log, oldest first, and where they go on."""
    after = None
    if question.cursor is not None:
        at_us, seq = asker.cursors.unpack(_log_key(asker, id, question), question.cursor)
        after = (from_us(at_us), seq)
    found = existing(house, asker.principal, id, ("executions",))
    query = LogQuery(question.level or "debug", question.node_id, question.limit, after)
    page = house.log_page(id, found.record()["date"], query)
    body: dict[str, Any] = {"executionId": id, "logs": logs_json(page.rows, load=spliced)}
    if page.next_key is not None:
        next_cursor = _log_cursor(asker, id, question, page)
        body["pagination"] = {"limit": question.limit, "hasMore": True, "nextCursor": next_cursor}
    elif after is not None:
        body["pagination"] = {"limit": question.limit, "hasMore": False}
    elif gone := _logs_gone(house, found, page):
        body["unavailable"] = gone
    return body


def execution_data(house: Warehouse, asker: Asker, id: str, node_id: str | None, format: str) -> dict[str, Any] | Body:
    """What the nodes got and gave: an object, or CSV or NDJSON."""
    found = existing(house, asker.principal, id, ("executions", "node_runs", "payloads"))
    nodes = node_runs(found)
    if node_id is not None:
        nodes = {node_id: _ran(nodes, node_id)}
    gone = data_missing(found)
    if format == "json":
        body = {"executionId": id, "nodes": {node.node_id: node.data() for node in nodes.values()}}
        return body | ({"unavailable": gone} if gone else {})
    lines = csv_lines(nodes) if format == "csv" else raw_lines(nodes)
    headers = {"Content-Disposition": attachment(id, "csv" if format == "csv" else "ndjson")}
    if gone:
        headers["X-Data-Unavailable"] = ", ".join(f"{part}={why}" for part, why in gone.items())
    media_type = "text/csv; charset=utf-8" if format == "csv" else "application/x-ndjson"
    return Body(b"".join(lines), media_type, headers)


def one_node_data(house: Warehouse, asker: Asker, id: str, node_id: str, run_index: int | None) -> dict[str, Any]:
    """What one node got and gave, in all its runs or in one."""
    found = existing(house, asker.principal, id, ("executions", "node_runs", "payloads"))
    node = _ran(node_runs(found), node_id)
    body: dict[str, Any] = {"nodeId": node_id}
    if node.node_name is not None:
        body["nodeName"] = node.node_name
    if run_index is None:
        body |= node.data()
    elif run_index in node.runs:
        body |= node.of_run(run_index)
    else:
        raise ApiError(
            404,
            "RUN_NOT_FOUND",
            f"Node '{node_id[:200]}' has no run {run_index} in this execution; it ran {len(node.runs)} times, from 0",
            executionId=id,
            nodeId=node_id,
        )
    gone = data_missing(found)
    return body | ({"unavailable": gone} if gone else {})


def _ran(nodes: Mapping[str, NodeRuns], node_id: str) -> NodeRuns:
    if node_id not in nodes:
        some = ", ".join(list(nodes)[:20]) or "none"
        raise ApiError(
            404, "NODE_NOT_FOUND", f"Node '{node_id[:200]}' did not run in this execution; nodes that did: {some:.1000}"
        )
    return nodes[node_id]


def existing(house: Warehouse, principal: Principal, id: str, tables: Sequence[TableName] = TABLES) -> Detail:
    """The execution of that id; those of workflows the caller may not see do not exist. Raises ApiError 404."""
    found = house.find(id, tables)
    if found is None or not principal.sees(found.execution.column("workflow_id")[0].as_py()):
        raise not_found(id)
    return found


def not_found(id: str) -> ApiError:
    """404 in the contract's words."""
    return ApiError(404, "EXECUTION_NOT_FOUND", f"Execution with ID '{id[:200]}' not found")


def filter_key(asker: Asker, words: FilterWords) -> list[Any]:
    """What a cursor is bound to besides its path and sort: every filter, and who asks."""
    seen = asker.principal.workflow_ids
    return [asker.timezone, words, None if seen is None else sorted(seen)]


def to_us(at: datetime) -> int:
    """Microseconds since 1970, exactly."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def from_us(at_us: int) -> datetime:
    """The instant so many microseconds after 1970."""
    return _EPOCH + timedelta(microseconds=at_us)


def _continued(
    asker: Asker, asked: list[Any], chosen: ExecutionFilter, question: ListQuestion
) -> tuple[ExecutionFilter, PageKey]:
    """The filter with the range of the first page, and where the next page begins."""
    assert question.cursor is not None
    since_us, value, last_id = asker.cursors.unpack(asked, question.cursor)
    if question.words.moving:
        chosen = listed_filter(question.words, asker.principal, asker.timezone, now(), since=from_us(since_us))
    if question.sort.endswith("startedAt"):
        if not isinstance(value, int):
            raise InvalidCursorError("the cursor is one of another sort")
        return chosen, (from_us(value), last_id)
    return chosen, (value, last_id)


def _rows(house: Warehouse, rows: pa.Table, include: frozenset[str]) -> list[dict[str, Any]]:
    """Rows of a page as the list shows them, with what was asked to be included: one query a table for them all."""
    with_stack = "error" in include
    tables: list[TableName] = ["node_runs", "payloads"] if "data" in include else []
    if "logs" in include:
        tables.append("logs")
    if not tables:
        return [execution_json(row, with_stack=with_stack, load=spliced) for row in rows.to_pylist()]
    parts = house.details(rows, tables)
    made = []
    for at, key in enumerate(rows.column("id").to_pylist()):
        node_runs, payloads, logs = (
            parts.get(table, {}).get(key, SCHEMAS[table].empty_table()) for table in _DETAIL_TABLES
        )
        detail = Detail(rows.slice(at, 1), node_runs, payloads, logs)
        with_data = "data" in include
        one = detail_json(detail, with_data=with_data, with_logs="logs" in include, with_stack=with_stack, load=spliced)
        if not with_data:
            one.pop("executionData")
            one.pop("unavailable", None)
        made.append(one)
    return made


def _log_key(asker: Asker, id: str, question: LogQuestion) -> list[Any]:
    return ["logs", id, question.level or "debug", question.node_id, *filter_key(asker, FilterWords())]


def _log_cursor(asker: Asker, id: str, question: LogQuestion, page: LogPage) -> str:
    assert page.next_key is not None
    at, seq = page.next_key
    return asker.cursors.pack(_log_key(asker, id, question), [to_us(at), seq])


def _logs_gone(house: Warehouse, found: Detail, page: LogPage) -> dict[str, str]:
    """Said where there are no lines and retention drops those of executions as old as this one."""
    days = house.lake.settings.retention_days.get("logs")
    if page.rows.num_rows or days is None:
        return {}
    first_kept = now().date() - timedelta(days=days - 1)
    return {"logs": "expired"} if found.record()["date"] < first_kept else {}
