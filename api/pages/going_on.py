"""What runs and what failed last: the part of a page that follows the events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast

from api.pages.list_words import address
from api.pages.rows import Row, row_of
from api.reading.execution_json import execution_json
from warehouse import Warehouse
from warehouse.filters import ExecutionFilter
from warehouse.listing import ListQuery
from warehouse.schema import UNSUCCESSFUL, Status

ROWS: Final = 5
"""Of each kind; the number of all leads to the list."""
FAILED_WITHIN: Final = timedelta(days=1)
_ACTIVE: Final = ("queued", "running")


@dataclass(frozen=True, slots=True)
class Panel:
    """The lists, newest first, with how many there are and where they all are."""

    active: list[Row]
    active_total: int
    active_url: str
    failed: list[Row]
    """Placed within FAILED_WITHIN."""
    failed_total: int
    failed_url: str
    newest: list[Row]
    """Of whatever status; empty unless it is about one workflow."""
    newest_url: str
    newest_at: datetime | None
    """When the newest execution of all was placed. None: there is none at all."""
    events_url: str
    """The stream that says when to look again."""


def going_on(house: Warehouse, visible: tuple[str, ...], workflow_id: str | None, now: datetime) -> Panel:
    """As it is now, of these workflows (empty: all). Cost: three or four lists of a few rows."""
    active, active_total = _newest(house, _ACTIVE, visible, None, now)
    failed, failed_total = _newest(house, UNSUCCESSFUL, visible, now - FAILED_WITHIN, now)
    of_workflow = {"filter[workflowId]": workflow_id or ""}
    recent = {"filter[dateRange]": "1d"}
    newest, _ = ([], 0) if workflow_id is None else _newest(house, (), visible, None, now)
    return Panel(
        active=active,
        active_total=active_total,
        active_url=address("/executions", {"filter[status]": ",".join(_ACTIVE), **of_workflow}),
        failed=failed,
        failed_total=failed_total,
        failed_url=address("/executions", {"filter[status]": ",".join(UNSUCCESSFUL), **recent, **of_workflow}),
        newest=newest,
        newest_url=address("/executions", of_workflow),
        newest_at=house.newest_at(visible),
        events_url=address(
            "/v1/executions/events", {"channels": "executions" if workflow_id is None else f"workflow:{workflow_id}"}
        ),
    )


def _newest(
    house: Warehouse, statuses: tuple[str, ...], visible: tuple[str, ...], since: datetime | None, now: datetime
) -> tuple[list[Row], int]:
    chosen = ExecutionFilter(since=since, workflow_ids=visible, statuses=cast(tuple[Status, ...], statuses))
    found = house.list(ListQuery(chosen, limit=ROWS))
    return [row_of(execution_json(one), now) for one in found.records()], found.total or 0
