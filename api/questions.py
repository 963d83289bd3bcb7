"""What the command and the routes ask the warehouse, in their callers' words. One function a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from api.selection import Selection, just_after, resolve_window
from warehouse import Warehouse
from warehouse.clock import now
from warehouse.errors import BadInputError
from warehouse.export import ExportFormat, ExportQuery, ExportReport
from warehouse.filters import ExecutionFilter
from warehouse.listing import Detail, ListPage, ListQuery
from warehouse.period import PERIODS, period_start
from warehouse.results import ErrorStatistics, NodeStatistics, Statistics
from warehouse.schema import TABLES, Mode, Status
from warehouse.statistics import StatisticsQuery

if TYPE_CHECKING:
    from reports.model import ReportModel

DEFAULT_PERIOD: Final = "24h"
REPORT_PERIOD: Final = "7d"


@dataclass(frozen=True, slots=True)
class Details:
    """What lists and exports can ask beyond a selection."""

    error_types: tuple[str, ...] = ()
    error_text: str | None = None
    fingerprint: str | None = None
    min_duration_s: float | None = None
    retry_of: str | None = None


def words(field: str, values: Sequence[str] | None) -> tuple[str, ...]:
    """Words given repeatedly, or in one text with commas. Raises BadInputError for a text without a word."""
    found = tuple(word.strip() for value in values or () for word in value.split(","))
    if not all(found):
        raise BadInputError(
            f"{field} is {','.join(values or ())!r}: a word is missing; leave {field} out for all", field=field
        )
    return found


def statistics(house: Warehouse, selection: Selection) -> Statistics:
    """Totals, series and workflows of a selection; 24 h when it names no period."""
    return house.statistics(statistics_query(house, selection, DEFAULT_PERIOD))


def nodes(house: Warehouse, selection: Selection) -> NodeStatistics:
    """Bottlenecks of a selection, at most its limit."""
    return house.nodes(statistics_query(house, selection, DEFAULT_PERIOD))


def errors(house: Warehouse, selection: Selection) -> ErrorStatistics:
    """Error groups of a selection, at most its limit."""
    return house.errors(statistics_query(house, selection, DEFAULT_PERIOD))


def report(
    house: Warehouse, selection: Selection, *, title: str | None = None, fall_back_to_latest: bool = False
) -> ReportModel:
    """The page model of a selection; 7 d when it names no period.

    `fall_back_to_latest`: a selection that names no instant ends at the newest record when the period up to now would
    be empty, so that a lake of old records does not show a page of zeros.
    """
    from reports.data import collect  # what only reports need is loaded for reports only

    query = statistics_query(house, selection, REPORT_PERIOD)
    if fall_back_to_latest and query.since is None and query.until is None:
        newest_at = house.newest_at()
        if newest_at is not None and newest_at < now() - PERIODS.get(query.period, timedelta(0)):
            query = replace(query, until=just_after(newest_at))
    with house.fork(pinned=True) as still:  # its parts must agree whatever is loaded meanwhile
        return collect(still, query, title=title, generator=f"runlake {version('runlake')}")


def statistics_query(house: Warehouse, selection: Selection, default_period: str) -> StatisticsQuery:
    """The warehouse's form of a selection."""
    window = resolve_window(selection, house.newest_at)
    return StatisticsQuery(
        period=default_period if selection.period is None else selection.period,
        since=window.since,
        until=window.until,
        granularity=selection.granularity,
        workflow_id=selection.workflow_id,
        statuses=cast(tuple[Status, ...], words("status", selection.statuses)),
        modes=cast(tuple[Mode, ...], words("mode", selection.modes)),
        timezone=selection.timezone,
        workflows_limit=100 if selection.limit is None else selection.limit,
    )


def execution_filter(house: Warehouse, selection: Selection, details: Details = Details()) -> ExecutionFilter:
    """The warehouse's form of a selection for lists and exports: all of time unless it names some."""
    window = resolve_window(selection, house.newest_at)
    since, until = window.since, window.until
    if selection.period is not None:
        if selection.period not in PERIODS:
            raise BadInputError(
                f"period is {selection.period!r}; allowed: {', '.join(PERIODS)}", field="period", value=selection.period
            )
        until = until or now()
        since = period_start(selection.period, until)
    return ExecutionFilter(
        since=since,
        until=until,
        workflow_ids=(selection.workflow_id,) if selection.workflow_id else (),
        statuses=cast(tuple[Status, ...], words("status", selection.statuses)),
        modes=cast(tuple[Mode, ...], words("mode", selection.modes)),
        error_types=details.error_types,
        fingerprint=details.fingerprint,
        min_duration_s=details.min_duration_s,
        retry_of=details.retry_of,
        error_text=details.error_text,
    )


def executions(house: Warehouse, selection: Selection, details: Details = Details()) -> ListPage:
    """The newest executions of a selection, at most its limit (20), with the number of all that match."""
    limit = 20 if selection.limit is None else selection.limit
    return house.list(ListQuery(execution_filter(house, selection, details), limit=limit))


def execution(house: Warehouse, id: str, *, with_data: bool = False) -> Detail:
    """One execution. Raises BadInputError when there is none of that id."""
    found = house.find(id, TABLES if with_data else ("executions", "node_runs", "logs"))
    if found is None:
        raise BadInputError(
            f"there is no execution with the id {id[:200]!r} in {house.lake.uri}; `runlake list` shows the newest ones",
            field="id",
            value=id,
        )
    return found


def export(
    house: Warehouse, selection: Selection, details: Details, format: ExportFormat, sink: BinaryIO, *, bom: bool = False
) -> ExportReport:
    """Write the executions of a selection to an open file, oldest first."""
    query = ExportQuery(execution_filter(house, selection, details), selection.limit, bom)
    return house.export(query, format, sink)
