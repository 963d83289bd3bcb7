"""What a rule looks at, as the lake and the hot store say it at one instant, and the list that counts the same."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final
from urllib.parse import urlencode

from api.models import instant_text
from warehouse import Warehouse
from warehouse.filters import ExecutionFilter
from warehouse.hot.alert_rule import AlertRule
from warehouse.listing import ListQuery
from warehouse.results import Totals
from warehouse.schema import UNSUCCESSFUL

GROUPS_MAX: Final = 10_000
"""Error groups of a window that newError looks at; the ones with most executions first."""
PAST_KNOWN_MIN: Final = 3
"""So many windows of its own past must be known before p95 is compared with them."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What was found. `filters` are those of GET /v1/executions under which it lists exactly `count` executions."""

    since: datetime | None
    """None: all of time (queueLength)."""
    until: datetime
    value: float | None
    """What is compared with the threshold. None: there is no such number."""
    count: int
    base: int
    """What the rule's minimum count is held against."""
    filters: tuple[tuple[str, str], ...]
    more: dict[str, Any] = field(default_factory=dict)
    """Further numbers for people, by their name in JSON."""
    fresh: tuple[str, ...] = ()
    """newError: fingerprints first seen in the window that were not told yet; `count` and the list are of the first."""
    present: tuple[str, ...] = ()
    """newError: all fingerprints first seen in the window."""

    def url(self, public_url: str | None) -> str:
        """Where those executions are listed; without `public_url` a path."""
        return f"{(public_url or '').rstrip('/')}/v1/executions?{urlencode(self.filters)}"

    def json(self, rule: AlertRule) -> dict[str, Any]:
        """As alerts tell them."""
        found = {
            "value": self.value,
            "threshold": rule.threshold,
            "count": self.count,
            "since": None if self.since is None else instant_text(self.since),
            "until": instant_text(self.until),
            **self.more,
        }
        return {name: value for name, value in found.items() if value is not None}


def numbers_of(house: Warehouse, rule: AlertRule, at: datetime, told: Collection[str] = ()) -> Numbers:
    """The numbers of a rule at an instant; `house` should stand still (`fork(pinned=True)`).

    Costs some milliseconds; p95 that for each window of its past; memory and newError scan their window.
    Raises what questions to the warehouse raise.
    """
    if rule.kind == "newError":
        return _new_error(house, rule, at, told)
    return _KINDS[rule.kind](house, rule, at)


def _rate(house: Warehouse, rule: AlertRule, at: datetime) -> Numbers:
    totals = _totals(house, rule, at)
    rate = totals.failures / totals.finished if totals.finished else None
    more = {"executions": totals.executions, "finished": totals.finished}
    return _in_window(rule, at, rate, totals.failures, totals.finished, _FAILED, more)


def _failures(house: Warehouse, rule: AlertRule, at: datetime) -> Numbers:
    totals = _totals(house, rule, at)
    more = {"executions": totals.executions, "finished": totals.finished}
    return _in_window(rule, at, float(totals.failures), totals.failures, totals.finished, _FAILED, more)


def _p95(house: Warehouse, rule: AlertRule, at: datetime) -> Numbers:
    totals = _totals(house, rule, at)
    step = timedelta(seconds=rule.window_s)
    past = [_totals(house, rule, at - number * step) for number in range(1, rule.past_windows + 1)]
    known = [one.p95_s for one in past if one.p95_s is not None and one.timed >= rule.min_count]
    usual_s = median(known) if len(known) >= PAST_KNOWN_MIN else None
    ratio = totals.p95_s / usual_s if totals.p95_s is not None and usual_s else None
    more = {"p95": totals.p95_s, "usualP95": usual_s, "pastWindows": len(known)}
    # "minDuration 0" lists those that have a duration.
    return _in_window(rule, at, ratio, totals.timed, totals.timed, (("filter[minDuration]", "0"),), more)


def _queue(house: Warehouse, rule: AlertRule, at: datetime) -> Numbers:
    chosen = ExecutionFilter(workflow_ids=_workflows(rule), statuses=("queued",))
    total = house.list(ListQuery(chosen, limit=1)).total
    assert total is not None
    filters = (*_workflow_filter(rule), ("filter[status]", "queued"))
    return Numbers(None, at, float(total), total, total, filters)


def _silence(house: Warehouse, rule: AlertRule, at: datetime) -> Numbers:
    count = _totals(house, rule, at).executions
    return _in_window(rule, at, float(count), count, count)


def _memory(house: Warehouse, rule: AlertRule, at: datetime) -> Numbers:
    import polars as pl

    since = at - timedelta(seconds=rule.window_s)
    placed_at = pl.coalesce("started_at", "created_at")
    frame = house.executions(since, at).filter(placed_at >= since, placed_at < at)
    if rule.workflow_id is not None:
        frame = frame.filter(pl.col("workflow_id") == rule.workflow_id)
    memory = pl.col("memory_mb")
    value = memory.max() if rule.aggregate == "max" else memory.mean()
    found = frame.select(value.alias("value"), memory.count().alias("measured"), pl.len().alias("count")).collect()
    value_mb, measured, count = found.row(0)
    return _in_window(rule, at, value_mb, count, measured, (), {"aggregate": rule.aggregate, "measured": measured})


def _new_error(house: Warehouse, rule: AlertRule, at: datetime, told: Collection[str]) -> Numbers:
    since = at - timedelta(seconds=rule.window_s)
    # workflow_id, not workflow_ids: then "first seen" is over the whole lake.
    found = house.errors(since=since, until=at, workflow_id=rule.workflow_id, workflows_limit=GROUPS_MAX)
    new = [group for group in found.groups if group.is_new]
    fresh = [group for group in new if group.fingerprint not in told and group.executions >= rule.min_count]
    present = tuple(sorted(group.fingerprint for group in new))
    if not fresh:
        return _in_window(rule, at, 0.0, 0, 0, (("filter[fingerprint]", "none"),), present=present)
    first = fresh[0]
    more = {
        "fingerprint": first.fingerprint,
        "errorType": first.error_type,
        "errorMessage": first.message[:300] if first.message else None,
        "newFingerprints": [group.fingerprint for group in fresh[:20]],
        "newFingerprintsTotal": len(fresh),
    }
    return _in_window(
        rule,
        at,
        float(len(fresh)),
        first.executions,
        first.executions,
        (("filter[fingerprint]", first.fingerprint),),
        more,
        fresh=tuple(group.fingerprint for group in fresh),
        present=present,
    )


def _in_window(
    rule: AlertRule,
    at: datetime,
    value: float | None,
    count: int,
    base: int,
    filters: tuple[tuple[str, str], ...] = (),
    more: dict[str, Any] | None = None,
    *,
    fresh: tuple[str, ...] = (),
    present: tuple[str, ...] = (),
) -> Numbers:
    since = at - timedelta(seconds=rule.window_s)
    window = (("filter[startDate]", instant_text(since)), ("filter[endDate]", instant_text(at)))
    asked = (*window, *_workflow_filter(rule), *filters)
    return Numbers(since, at, value, count, base, asked, more or {}, fresh, present)


def _totals(house: Warehouse, rule: AlertRule, until: datetime) -> Totals:
    since = until - timedelta(seconds=rule.window_s)
    found = house.statistics(since=since, until=until, workflow_ids=_workflows(rule), workflows_limit=0)
    return found.totals


def _workflows(rule: AlertRule) -> tuple[str, ...]:
    return () if rule.workflow_id is None else (rule.workflow_id,)


def _workflow_filter(rule: AlertRule) -> tuple[tuple[str, str], ...]:
    return () if rule.workflow_id is None else (("filter[workflowId]", rule.workflow_id),)


_FAILED: Final = (("filter[status]", ",".join(UNSUCCESSFUL)),)
_KINDS: Final[dict[str, Callable[[Warehouse, AlertRule, datetime], Numbers]]] = {
    "failureRate": _rate,
    "failures": _failures,
    "p95": _p95,
    "queueLength": _queue,
    "silence": _silence,
    "memory": _memory,
}
