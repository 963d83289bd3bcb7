"""The further questions of a report: single workflows over time, hours of the week, load, memory, data, retries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from reports import heat
from reports.door import Door
from reports.extras import BlockSeries, Extras
from warehouse.period import borders, zone
from warehouse.results import Bucket, Statistics, WorkflowTotals
from warehouse.statistics import StatisticsQuery

SERIES_WORKFLOWS = 24
"""Workflows with a sparkline: the ones with the most run time."""
TESTED_WORKFLOWS = 100
"""Workflows that are looked at for lasting changes: the ones with the most run time."""
BASELINE = timedelta(days=28)
"""What is usual is looked at over so long before the period, or as long as the period."""
HOUR_BLOCKS_UP_TO = timedelta(days=4)
DAY_BLOCKS_FROM = timedelta(days=70)
"""Periods up to the first are looked at in blocks of an hour, from the second on of a day, else of six hours."""
TESTED_FROM = timedelta(hours=12)
TESTED_UP_TO = timedelta(days=400)
"""Shorter periods have too few blocks; longer ones are too long to ask what changed in them."""
HOURS_AT_ONCE = timedelta(days=360)


def extras(house: Door, query: StatisticsQuery, statistics: Statistics, before: Statistics) -> Extras:
    """All of them for the period of `query`; `before`: the statistics of the period it is compared with."""
    steps = [bucket.start for bucket in statistics.buckets] + [statistics.until]
    earlier = replace(query, since=before.since, until=before.until)
    retries = () if query.modes and "retry" not in query.modes else ("retry",)
    return Extras(
        steps=house.workflow_series(query, _most_time(statistics, SERIES_WORKFLOWS), steps),
        before=before.workflows,
        hours=hours(house, query, statistics),
        blocks=blocks(house, query, statistics),
        usage=house.usage(query, steps),
        load=house.load(query, steps),
        usage_before=house.usage(earlier, [before.since, before.until])[-1],
        load_before=house.load(earlier, [before.since, before.until])[-1],
        retries=house.retries(query),
        retry_executions=house.statistics(replace(query, modes=("retry",), workflows_limit=0)).totals.executions
        if retries
        else 0,
    )


def _most_time(statistics: Statistics, number: int) -> list[str | None]:
    """The workflows with the most run time."""

    def rank(item: WorkflowTotals) -> tuple[float, str]:
        return -item.totals.total_s, item.workflow_id or ""

    return [item.workflow_id for item in sorted(statistics.workflows, key=rank)[:number]]


def hours(house: Door, query: StatisticsQuery, statistics: Statistics) -> list[Bucket]:
    """The period by the hour; empty when it is too short for hours of the week."""
    since, until = statistics.since, statistics.until
    if until - since < timedelta(days=heat.DAYS_MIN):
        return []
    found: list[Bucket] = []
    while since < until:
        # Parts end where an hour does, or an hour would be cut in two.
        end = min(until, (since + HOURS_AT_ONCE).replace(minute=0, second=0, microsecond=0))
        part = replace(query, since=since, until=end, granularity="hour", workflows_limit=0)
        found += house.statistics(part).buckets
        since = end
    return found


def blocks(house: Door, query: StatisticsQuery, statistics: Statistics) -> list[BlockSeries]:
    """The workflows with the most run time in even blocks, the finest first; empty: the period is too short or long."""
    length = statistics.until - statistics.since
    chosen = _most_time(statistics, TESTED_WORKFLOWS)
    if not chosen or not TESTED_FROM <= length <= TESTED_UP_TO:
        return []
    sizes = [1] if length <= HOUR_BLOCKS_UP_TO else [6, 24] if length < DAY_BLOCKS_FROM else [24]
    begin = statistics.since - max(BASELINE, length)
    return [_blocks(house, query, chosen, size, begin, statistics) for size in sizes]


def _blocks(
    house: Door, query: StatisticsQuery, chosen: Sequence[str | None], size_h: int, begin: datetime, period: Statistics
) -> BlockSeries:
    walls = [at for at in wall_blocks(begin, period.until, size_h, query.timezone) if at < period.since]
    inside = [at for at in wall_blocks(period.since, period.until, size_h, query.timezone) if at > period.since]
    ends = [*walls, period.since, *inside]
    local = [at.astimezone(ZoneInfo(query.timezone)) for at in ends[:-1]]
    slots = [at.weekday() * 24 + at.hour // size_h * size_h for at in local]
    series = house.workflow_series(query, chosen, ends)
    return BlockSeries(ends, len(walls), slots, series)


def wall_blocks(since: datetime, until: datetime, size_h: int, timezone: str) -> Iterator[datetime]:
    """`since`, each full block of the wall clock inside, `until`."""
    if size_h == 24:
        yield from borders(since, until, "day", zone(timezone))
        return
    all_hours = borders(since, until, "hour", zone(timezone))
    yield since
    local = ((at, at.astimezone(ZoneInfo(timezone))) for at in all_hours[1:-1])
    starts = [(at, here) for at, here in local if here.hour % size_h == 0]
    last: datetime | None = None
    for at, here in starts:
        if last is None or here.replace(tzinfo=None) != last:  # the hour that comes twice begins one block only
            yield at
        last = here.replace(tzinfo=None)
    yield until
