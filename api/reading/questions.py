"""What the command and the routes ask the warehouse, in their callers' words. One function a question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from api.reading.selection import FilterWords, Selection, just_after, resolve_range, resolve_window
from warehouse import Warehouse
from warehouse.clock import now
from warehouse.errors import BadInputError
from warehouse.export import ExportFormat, ExportQuery, ExportReport
from warehouse.filters import ExecutionFilter
from warehouse.listing import Detail, ListPage, ListQuery
from warehouse.period import PERIODS, period_start
from warehouse.results import ErrorStatistics, NodeStatistics, Statistics
from warehouse.schema import MODES, STATUSES, TABLES, Mode, Status
from warehouse.statistics import StatisticsQuery

if TYPE_CHECKING:
    from api.auth import Principal
    from reports.model import ReportModel
    from reports.request import ReportRequest

DEFAULT_PERIOD: Final = "24h"
REPORT_PERIOD: Final = "7d"

NO_WORKFLOW: Final = ("\0",)
"""A filter that nothing passes: no workflow has this id, and an empty filter would mean all of them."""


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
    found = tuple(word.strip(" ") for value in values or () for word in value.split(","))
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
    house: Warehouse, selection: Selection, *, about: ReportRequest | None = None, fall_back_to_latest: bool = False
) -> ReportModel:
    """The page model of a selection; 7 d when it names no period.

    about: the kind of the report and what only its kind needs; its period and filters are the selection's.
    fall_back_to_latest: a selection that names no instant ends at the newest record when the period up to now would be
    empty, so that a lake of old records does not show a page of zeros.
    """
    from reports.data import make  # what only reports need is loaded for reports only
    from reports.request import ReportRequest

    query = statistics_query(house, selection, REPORT_PERIOD)
    if fall_back_to_latest and query.since is None and query.until is None:
        newest_at = house.newest_at(selected_workflows(selection))
        if newest_at is not None and newest_at < now() - PERIODS.get(query.period, timedelta(0)):
            query = replace(query, until=just_after(newest_at))
    request = replace(
        about or ReportRequest(),
        period=query.period,
        since=query.since,
        until=query.until,
        granularity=query.granularity,
        timezone=query.timezone,
        workflow_ids=query.workflow_ids,
        statuses=query.statuses,
        modes=query.modes,
    )
    with house.fork(pinned=True, details=True) as still:  # its parts must agree whatever is loaded meanwhile
        return make(still, request, generator=f"runlake {version('runlake')}")


def statistics_query(house: Warehouse, selection: Selection, default_period: str) -> StatisticsQuery:
    """The warehouse's form of a selection."""
    window = resolve_window(selection, lambda: house.newest_at(selected_workflows(selection)))
    return StatisticsQuery(
        period=default_period if selection.period is None else selection.period,
        since=window.since,
        until=window.until,
        granularity=selection.granularity,
        workflow_ids=selected_workflows(selection),
        statuses=cast(tuple[Status, ...], words("status", selection.statuses)),
        modes=cast(tuple[Mode, ...], words("mode", selection.modes)),
        timezone=selection.timezone,
        workflows_limit=100 if selection.limit is None else selection.limit,
    )


def selected_workflows(selection: Selection) -> tuple[str, ...]:
    """The workflows of a selection, of those that the caller may see; empty: all."""
    asked = selection.workflow_ids if selection.workflow_id is None else (selection.workflow_id,)
    return _within(asked, selection.visible)


def execution_filter(house: Warehouse, selection: Selection, details: Details = Details()) -> ExecutionFilter:
    """The warehouse's form of a selection for lists and exports: all of time unless it names some."""
    window = resolve_window(selection, lambda: house.newest_at(selected_workflows(selection)))
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
        workflow_ids=selected_workflows(selection),
        statuses=cast(tuple[Status, ...], words("status", selection.statuses)),
        modes=cast(tuple[Mode, ...], words("mode", selection.modes)),
        error_types=details.error_types,
        fingerprint=details.fingerprint,
        min_duration_s=details.min_duration_s,
        retry_of=details.retry_of,
        error_text=details.error_text,
    )


def listed_filter(
    words: FilterWords, principal: Principal, timezone: str, now: datetime, *, since: datetime | None = None
) -> ExecutionFilter:
    """The warehouse's form of the filters of lists and exports over HTTP, within what the caller may see.

    `since`: the begin of a range that moves with the clock, when the first page has fixed it already.
    """
    window = resolve_range(words, timezone, now)
    for field, given, allowed in (
        ("filter[status]", words.statuses, STATUSES),
        ("filter[mode]", words.modes, MODES),
    ):
        for word in given:
            if word not in allowed:
                raise BadInputError(
                    f"{field} {word[:100]!r} is unknown; allowed: {', '.join(allowed)}", field=field, value=word
                )
    return ExecutionFilter(
        since=window.since if since is None else since,
        until=window.until,
        workflow_ids=visible_workflows(words.workflow_ids, principal),
        statuses=cast(tuple[Status, ...], words.statuses),
        modes=cast(tuple[Mode, ...], words.modes),
        error_types=words.error_types,
        fingerprint=words.fingerprint,
        min_duration_s=words.min_duration_s,
        retry_of=words.retry_of,
        error_text=words.error_text,
    )


def visible_workflows(asked: Sequence[str], principal: Principal) -> tuple[str, ...]:
    """The workflows a question may look at: those asked for, of those that the caller may see; empty: all."""
    return _within(tuple(asked), principal.workflows())


def _within(asked: tuple[str, ...], visible: tuple[str, ...]) -> tuple[str, ...]:
    if not visible or not asked:
        return asked or visible
    return tuple(one for one in asked if one in visible) or NO_WORKFLOW


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
