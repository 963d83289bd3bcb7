"""The chain of retries that an execution belongs to: what it repeats, what repeated it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from api.auth import Principal
from api.pages.rows import Row, row_of
from api.reading.execution_json import execution_json
from warehouse import Warehouse
from warehouse.filters import ExecutionFilter
from warehouse.listing import ListQuery
from warehouse.schema import TableName

ATTEMPTS_MAX: Final = 20
"""Attempts that are shown, and looks at most; whether there are more is said."""


def attempts(house: Warehouse, principal: Principal, row: Row, now: datetime) -> tuple[list[Row], bool]:
    """(the first execution and all retries of it and of each other, oldest first; whether some are left out).

    Empty: it is no retry and was never retried. What this principal may not see is not in it. Cost: a look by id for
    each step back, and one list for each attempt.
    """
    first = row
    for _ in range(ATTEMPTS_MAX):
        before = _find(house, principal, first.retry_of, now)
        if before is None or before.id == row.id:
            break
        first = before
    known, waiting, more = {first.id: first}, [first], False
    visible = principal.workflows()
    for _ in range(ATTEMPTS_MAX):
        if not waiting:
            break
        one = waiting.pop(0)
        chosen = ExecutionFilter(retry_of=one.id, workflow_ids=visible)
        found = house.list(ListQuery(chosen, sort="startedAt", limit=ATTEMPTS_MAX))
        more = more or found.next_key is not None
        for record in found.records():
            made = row_of(execution_json(record), now)
            if made.id not in known:
                known[made.id] = made
                waiting.append(made)
    known.setdefault(row.id, row)
    if len(known) == 1:
        return [], False
    shown = sorted(known.values(), key=lambda one: (one.placed_at is None, one.placed_at or now))
    return shown[:ATTEMPTS_MAX], more or bool(waiting) or len(shown) > ATTEMPTS_MAX


def _find(house: Warehouse, principal: Principal, id: str | None, now: datetime) -> Row | None:
    if id is None:
        return None
    tables: tuple[TableName, ...] = ("executions",)
    found = house.find(id, tables)
    if found is None or not principal.sees(found.record()["workflow_id"]):
        return None
    return row_of(execution_json(found.record()), now)
