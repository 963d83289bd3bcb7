"""What the command and the routes ask the warehouse, in their callers' words. One function a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import BinaryIO, Final, cast

from api.house import House
from api.selection import Selection, just_after, resolve_window
from reports.data import collect
from reports.model import ReportModel
from warehouse.clock import now
from warehouse.errors import BadInputError
from warehouse.export import ExportFormat, ExportQuery, ExportReport
from warehouse.filters import ExecutionFilter
from warehouse.period import PERIODS
from warehouse.results import ErrorStatistics, NodeStatistics, Statistics
from warehouse.schema import Mode, Status
from warehouse.statistics import StatisticsQuery

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


def words(values: Sequence[str] | None) -> tuple[str, ...]:
    """Words given repeatedly, or in one text with commas."""
    return tuple(word.strip() for value in values or () for word in value.split(",") if word.strip())


def statistics(house: House, selection: Selection) -> Statistics:
    """Totals, series and workflows of a selection; 24 h when it names no period."""
    query = statistics_query(house, selection, DEFAULT_PERIOD)
    found = house.statistics(query)
    # The period is said as it was asked, wherever it ends.
    return found if query.since is not None else replace(found, period=query.period)


def nodes(house: House, selection: Selection) -> NodeStatistics:
    """Bottlenecks of a selection, at most its limit."""
    found = house.nodes(statistics_query(house, selection, DEFAULT_PERIOD))
    return replace(found, nodes=found.nodes[: selection.limit])


def errors(house: House, selection: Selection) -> ErrorStatistics:
    """Error groups of a selection, at most its limit."""
    found = house.errors(statistics_query(house, selection, DEFAULT_PERIOD))
    return replace(found, groups=found.groups[: selection.limit])


def report(
    house: House, selection: Selection, *, title: str | None = None, fall_back_to_latest: bool = False
) -> ReportModel:
    """The page model of a selection; 7 d when it names no period.

    `fall_back_to_latest`: a selection that names no instant ends at the newest record when the period up to now would
    be empty, so that a lake of old records does not show a page of zeros.
    """
    query = statistics_query(house, selection, REPORT_PERIOD)
    if fall_back_to_latest and query.since is None and query.until is None:
        newest_at = house.newest_at()
        if newest_at is not None and newest_at < now() - PERIODS.get(query.period, timedelta(0)):
            query = replace(query, until=just_after(newest_at))
    return collect(house, query, title=title)


def statistics_query(house: House, selection: Selection, default_period: str) -> StatisticsQuery:
    """The warehouse's form of a selection."""
    window = resolve_window(selection, house.newest_at)
    return StatisticsQuery(
        period=selection.period or default_period,
        since=window.since,
        until=window.until,
        granularity=selection.granularity,
        workflow_id=selection.workflow_id,
        statuses=cast(tuple[Status, ...], words(selection.statuses)),
        modes=cast(tuple[Mode, ...], words(selection.modes)),
        timezone=selection.timezone,
        workflows_limit=100 if selection.limit is None else selection.limit,
    )


def execution_filter(house: House, selection: Selection, details: Details = Details()) -> ExecutionFilter:
    """The warehouse's form of a selection for lists and exports: all of time unless it names some."""
    window = resolve_window(selection, house.newest_at)
    since, until = window.since, window.until
    if selection.period is not None:
        length = PERIODS.get(selection.period)
        if length is None:
            raise BadInputError(
                f"period is {selection.period!r}; allowed: {', '.join(PERIODS)}", field="period", value=selection.period
            )
        until = until or now()
        since = until - length
    return ExecutionFilter(
        since=since,
        until=until,
        workflow_ids=(selection.workflow_id,) if selection.workflow_id else (),
        statuses=cast(tuple[Status, ...], words(selection.statuses)),
        modes=cast(tuple[Mode, ...], words(selection.modes)),
        error_types=details.error_types,
        fingerprint=details.fingerprint,
        min_duration_s=details.min_duration_s,
        retry_of=details.retry_of,
        error_text=details.error_text,
    )


def export(
    house: House, selection: Selection, details: Details, format: ExportFormat, sink: BinaryIO, *, bom: bool = False
) -> ExportReport:
    """Write the executions of a selection to an open file, oldest first."""
    query = ExportQuery(execution_filter(house, selection, details), selection.limit, bom)
    return house.export(query, format, sink)
