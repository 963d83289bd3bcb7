"""Statistics of executions over a period: counts and times as a series, by workflow and against the period before.

Every number is a sum over the rollups of live files (and, for hours that a border cuts, over their executions), so an
answer costs the same whether an hour holds ten executions or ten thousand, and always equals a recount. Percentiles
come from histograms with a relative error of at most 1 %; everything else is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, TypeVar

import numpy as np

from warehouse.cells import Accumulator
from warehouse.duck import Session, read_sql
from warehouse.errors import BadInputError
from warehouse.histogram import Ints
from warehouse.period import Period, borders, choose_granularity, resolve_period, to_us, zone
from warehouse.results import Bucket, Statistics, Totals, WorkflowTotals
from warehouse.rollup_cache import CachedRollup, RollupCache
from warehouse.scan import files_query, over
from warehouse.schema import MODES, STATUSES, Mode, Status
from warehouse.selection import Filters, Selected, Series, select, select_series
from warehouse.snapshot import Snapshot

MAX_WORKFLOWS: Final = 10_000
"""Most workflows one answer lists."""

NO_WORKFLOW: Final = ("\0",)
"""Filters everything out: no id holds this character."""

_Word = TypeVar("_Word", bound=str)


@dataclass(frozen=True, slots=True)
class StatisticsQuery:
    """What is asked; everything has a default."""

    period: str = "24h"
    """A word of period.PERIODS; not looked at when `since` is given."""
    since: datetime | None = None
    until: datetime | None = None
    """End of the period. None: now."""
    granularity: str | None = None
    """minute, hour, day, week or month. None: hours up to 48 h, days up to 31 d, weeks up to 366 d, else months."""
    workflow_id: str | None = None
    workflow_ids: tuple[str, ...] = ()
    """Only these workflows, and of them `workflow_id` when that is given. Empty: all."""
    statuses: tuple[Status, ...] = ()
    """Only executions with one of these. Empty: all."""
    modes: tuple[Mode, ...] = ()
    """Only executions with one of these. Empty: all."""
    timezone: str = "UTC"
    """IANA name; where steps of the series begin."""
    workflows_limit: int = 100
    """Most workflows to list, 0..MAX_WORKFLOWS."""

    @property
    def workflows(self) -> tuple[str, ...]:
        """The workflows that count, empty: all."""
        if self.workflow_id is None:
            return self.workflow_ids
        if self.workflow_ids and self.workflow_id not in self.workflow_ids:
            return NO_WORKFLOW
        return (self.workflow_id,)


def statistics(
    session: Session, snapshot: Snapshot, rollups: RollupCache, query: StatisticsQuery, *, now: datetime
) -> Statistics:
    """The statistics of one period of a snapshot.

    Args:
        session: reads the executions of hours that a border cuts; its view `rollup_source` is replaced.
        snapshot: the lake to look at.
        rollups: the cache of that lake.
        query: what is asked.
        now: the end of a period without `until`.

    Raises:
        BadInputError: an unknown word (the message names the allowed ones), an empty or too long period, too
            many steps.
        LakeCorruptError, QueryError: a data file cannot be rolled up.

    Cost: some milliseconds for 30 days by hour, growing with the days touched and the workflows active on them; files
    without a rollup are read once, whatever the period.
    """
    filters = Filters(
        query.workflows,
        _known("status", query.statuses, STATUSES),
        _known("mode", query.modes, MODES),
    )
    if not 0 <= query.workflows_limit <= MAX_WORKFLOWS:
        raise BadInputError(
            f"workflows_limit {query.workflows_limit} is not in 0..{MAX_WORKFLOWS}",
            field="workflows_limit",
            value=query.workflows_limit,
        )
    timezone = zone(query.timezone)
    period = resolve_period(query.period, query.since, query.until, now=now)
    granularity = choose_granularity(query.granularity, period.since, period.until)
    steps = borders(period.since, period.until, granularity, timezone)

    entries = rollups.get(snapshot.live("executions", period.previous_since, period.until))
    windows = _to_us([period.previous_since, *steps])
    series = select_series(session, rollups, entries, windows, filters)
    (previous, *buckets), totals = _add_up(series, len(windows) - 1)
    workflows, workflows_total = _workflows(session, rollups, entries, period, filters, query.workflows_limit)
    return Statistics(
        period=period.word,
        granularity=granularity,
        timezone=query.timezone,
        since=period.since,
        until=period.until,
        totals=totals,
        previous_since=period.previous_since,
        previous=previous,
        buckets=tuple(map(Bucket, steps[:-1], steps[1:], buckets)),
        workflows=workflows,
        workflows_total=workflows_total,
        as_of=as_of(session, rollups, snapshot, query.workflow_ids),
        lake_version=snapshot.version,
    )


def _add_up(series: Series, windows: int) -> tuple[list[Totals], Totals]:
    """What each window comes to, and all but the first together."""
    open_windows = np.array([window for window in range(windows) if window not in series.known], np.int64)
    place = np.full(windows, -1, np.int64)
    place[open_windows] = np.arange(len(open_windows))
    sums = Accumulator(len(open_windows))
    sums.add_all((part.cells, np.where(part.slot >= 0, place[part.slot], -1)) for part in series.parts)
    found = dict(zip(open_windows.tolist(), sums.totals(), strict=True)) | series.known
    whole = Accumulator(1)
    whole.add_all((part.cells, np.where(part.slot >= 1, 0, -1)) for part in series.parts)
    whole.add_all((part.cells, part.slot) for part in series.known_sum)
    return [found[window] for window in range(windows)], whole.totals()[0]


def _workflows(
    session: Session,
    rollups: RollupCache,
    entries: Sequence[CachedRollup],
    period: Period,
    filters: Filters,
    limit: int,
) -> tuple[tuple[WorkflowTotals, ...], int]:
    """The workflows with most executions in the period, and how many workflows have any."""
    windows = _to_us([period.previous_since, period.since, period.until])
    found = select(session, rollups, entries, windows, filters, by_workflow=True)
    counts = executions_by_workflow(rollups, found, 1)
    total = int(np.count_nonzero(counts))
    ranked = _ranked(rollups, counts, limit)
    if not ranked:
        return (), total
    place = np.full(len(counts), -1, np.int64)
    place[ranked] = np.arange(len(ranked))
    sums = Accumulator(2 * len(ranked))
    sums.add_all((part.cells, _slots(part, place[part.workflow])) for part in found)
    totals = sums.totals()
    names = workflow_names(entries, ranked)
    return tuple(
        WorkflowTotals(rollups.workflow_id(number), names.get(number), totals[2 * i + 1], totals[2 * i])
        for i, number in enumerate(ranked)
    ), total


def executions_by_workflow(rollups: RollupCache, found: Sequence[Selected], slot: int) -> Ints:
    """Executions in one window, by the workflow's number; `found` was selected by workflow."""
    counts = np.zeros(rollups.workflow_count, np.int64)
    for part in found:
        inside = np.flatnonzero(part.slot == slot)
        executions = part.cells.measures["executions"][inside]
        counts += np.bincount(part.workflow[inside], executions, len(counts)).astype(np.int64)
    return counts


def _slots(part: Selected, place: Ints) -> Ints:
    """Two slots a listed workflow: the period before, the period."""
    return np.where((part.slot >= 0) & (place >= 0), 2 * place + part.slot, -1)


def _ranked(rollups: RollupCache, counts: Ints, limit: int) -> list[int]:
    """Numbers of the `limit` workflows with most executions; equal ones by id, None last."""
    active = np.flatnonzero(counts)
    if len(active) > limit > 0:
        least = np.partition(counts[active], len(active) - limit)[len(active) - limit]
        active = active[counts[active] >= least]

    def rank(number: int) -> tuple[int, bool, str]:
        workflow_id = rollups.workflow_id(number)
        return -int(counts[number]), workflow_id is None, workflow_id or ""

    return sorted(active.tolist(), key=rank)[:limit]


def workflow_names(entries: Sequence[CachedRollup], wanted: Sequence[int]) -> dict[int, str]:
    """By their numbers, the names the workflows had last in these files; those that never had one are left out."""
    names: dict[int, tuple[int, str]] = {}
    open_numbers = np.array(wanted, np.int64)
    newest_first = sorted(entries, key=lambda entry: entry.file.date, reverse=True)
    for i, entry in enumerate(newest_first):
        for position in np.flatnonzero(np.isin(entry.workflows, open_numbers)).tolist():
            name, number = entry.rollup.workflow_names[position], int(entry.workflows[position])
            if name is not None:
                named = int(entry.rollup.named_at_us[position]), name
                names[number] = max(named, names.get(number, named))
        if i + 1 < len(newest_first) and newest_first[i + 1].file.date != entry.file.date:
            open_numbers = open_numbers[[number not in names for number in open_numbers.tolist()]]
            if not len(open_numbers):
                break
    return {number: name for number, (_, name) in names.items()}


def as_of(
    session: Session, rollups: RollupCache, snapshot: Snapshot, workflow_ids: tuple[str, ...] = ()
) -> datetime | None:
    """The newest `updated_at` of the snapshot, of these workflows if any are named. None: there is none.

    With workflows each file is read once for them.
    """
    files = snapshot.files["executions"]
    if not workflow_ids:
        return rollups.as_of(files)
    known = rollups.newest_of.of(workflow_ids)
    missing = [file for file in files if file.name not in known]
    if missing:
        names = {file.path: file.name for file in missing}
        source = files_query("executions", missing, named=True)
        sql = over("executions", source, read_sql("warehouse", "newest_updates"))
        rows = session.rows(sql, {"workflow_ids": list(workflow_ids)})
        known.update(dict.fromkeys(names.values()))
        known.update({names[path]: updated_at.astimezone(UTC) for path, updated_at in rows})
    return max((at for file in files if (at := known[file.name]) is not None), default=None)


def _to_us(instants: Sequence[datetime]) -> Ints:
    return np.array([to_us(instant) for instant in instants], np.int64)


def _known(field: str, words: tuple[_Word, ...], allowed: Sequence[str]) -> tuple[_Word, ...]:
    for word in words:
        if word not in allowed:
            raise BadInputError(f"unknown {field} {word!r}; allowed: {', '.join(allowed)}", field=field, value=word)
    return words
