"""Answers of the warehouse made by rule and seed, as a real team's would look: a month, an empty lake, a tiny one."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from reports.extras import BlockSeries, Extras
from warehouse.capacity_results import Load, RetryOutcome, RetryStatistics, Usage, WorkflowSteps
from warehouse.results import (
    Bucket,
    ErrorGroup,
    ErrorStatistics,
    NodeStatistics,
    NodeTotals,
    Statistics,
    Totals,
    WorkflowTotals,
)

UNTIL = datetime(2026, 5, 12, 22, 0, tzinfo=UTC)
"""Midnight in Berlin."""
GENERATED_AT = datetime(2026, 5, 12, 22, 4, 31, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script><img src=x onerror=alert(1)>'
NASTY = f"Request failed: {HOSTILE} </script> & ' \" \u2028 ${{7*7}} {{{{7*7}}}}"
STACK = "Referenced node is unexecuted\n    at Object.get (expression.ts:412)\n" + "    at next (frame.ts:7)\n" * 60
STATUSES = ("queued", "running", "success", "failed", "cancelled", "timeout")
NAMES = (
    "Sync orders to warehouse",
    "Invoice PDF → archive",
    "Lead enrichment (Clearbit + HubSpot)",
    "Nightly inventory reconciliation",
    "Stripe webhook router",
    "Customer onboarding e-mails",
    "受注データを在庫システムへ同期する",
    "Проверка просроченных счетов",
    "مزامنة العملاء",
    "Slack stand-up digest",
    "Zendesk ticket triage with classification, routing, escalation and a very long name that "
    "nobody ever shortened because it was copied from the specification",
    "GDPR export requests",
    "Refund approvals",
    "Shipment tracking poller",
    "Price feed import",
    "Returns label generator",
    "Weekly KPI mail",
    "Contract renewal reminders",
    "Fraud score lookup",
    "Backup of forms",
    HOSTILE,
    "CRM contact de-duplication",
    "Marketing consent sync",
    "Supplier EDI intake",
    "Warehouse alarm relay",
    "Payroll hand-over",
    "Calendar clean-up",
    "Vendor score card",
    "Catalogue translation",
    "Image resizing",
    "Search index refresh",
    "Currency rates",
    "Tax report draft",
    "Loyalty points",
    "Churn signals",
    "Meeting notes to CRM",
    "Abandoned carts",
    "SLA watch",
    "Domain expiry check",
    "Test: please ignore",
)


def totals(
    success: int = 0,
    failed: int = 0,
    timeout: int = 0,
    cancelled: int = 0,
    running: int = 0,
    queued: int = 0,
    *,
    p50_s: float | None = None,
    spread: float = 1.0,
    queue_avg_s: float | None = None,
) -> Totals:
    """Totals with log-normal looking durations around p50_s."""
    finished = success + failed + timeout + cancelled
    timed = finished if p50_s is not None else 0
    middle = p50_s if timed and p50_s is not None else None
    avg = None if middle is None else middle * math.exp(spread**2 / 2)
    return Totals(
        executions=finished + running + queued,
        successes=success,
        failures=failed + timeout + cancelled,
        by_status=dict(zip(STATUSES, (queued, running, success, failed, cancelled, timeout), strict=True)),
        timed=timed,
        avg_s=avg,
        min_s=None if middle is None else middle / 20,
        max_s=None if middle is None else middle * 60,
        p50_s=middle,
        p95_s=None if middle is None else middle * math.exp(1.645 * spread),
        p99_s=None if middle is None else middle * math.exp(2.326 * spread),
        total_s=0.0 if avg is None else avg * timed,
        queue_avg_s=queue_avg_s,
    )


def add(parts: Iterable[Totals]) -> Totals:
    """The sum of parts; percentiles are weighted means, which is good enough for something to look at."""
    found = [part for part in parts if part.executions]
    timed = sum(part.timed for part in found)

    def mean(values: Iterable[float | None]) -> float | None:
        pairs = [(v, part.timed) for v, part in zip(values, found, strict=True) if v is not None and part.timed]
        return sum(v * n for v, n in pairs) / sum(n for _, n in pairs) if pairs else None

    return Totals(
        executions=sum(part.executions for part in found),
        successes=sum(part.successes for part in found),
        failures=sum(part.failures for part in found),
        by_status={status: sum(part.by_status[status] for part in found) for status in STATUSES},
        timed=timed,
        avg_s=sum(part.total_s for part in found) / timed if timed else None,
        min_s=min((part.min_s for part in found if part.min_s is not None), default=None),
        max_s=max((part.max_s for part in found if part.max_s is not None), default=None),
        p50_s=mean(part.p50_s for part in found),
        p95_s=mean(part.p95_s for part in found),
        p99_s=mean(part.p99_s for part in found),
        total_s=sum(part.total_s for part in found),
        queue_avg_s=mean(part.queue_avg_s for part in found),
    )


def _day(rng: random.Random, workflow: int, day: int, start: datetime, *, load: float, p50_s: float) -> Totals:
    weekend = (
        0.35 if start.astimezone(UTC).weekday() in (4, 5) else 1.0
    )  # the day begins at 22:00 UTC of the one before
    number = round(load * weekend * rng.uniform(0.85, 1.15))
    rate = 0.004 + 0.012 * rng.random()
    if day == 17 and workflow in (0, 4, 12):
        rate = 0.46
    if workflow == 2 and day >= 38:
        rate = 0.11
    bad = sum(rng.random() < rate for _ in range(number))
    timeout, cancelled = bad // 6, bad // 9
    slow = 2.3 if workflow == 0 and day >= 36 else 1.0
    unfinished = 7 if day == 59 and workflow < 6 else 0
    return totals(
        number - bad,
        bad - timeout - cancelled,
        timeout,
        cancelled,
        unfinished,
        unfinished // 3,
        p50_s=p50_s * slow * rng.uniform(0.92, 1.08),
        spread=0.9,
        queue_avg_s=0.12 * rng.uniform(0.7, 1.6),
    )


def month() -> tuple[Statistics, NodeStatistics, ErrorStatistics, dict[str | None, list[int]]]:
    """30 days of 40 workflows with an incident on one day, one slow regression, one workflow that fails more."""
    rng = random.Random(7)
    days: list[list[Totals]] = [[] for _ in range(60)]
    starts = [UNTIL - timedelta(days=60 - day) for day in range(60)]
    for index in range(len(NAMES)):
        load, p50_s = 2400 / (index + 1) ** 1.05, 0.6 + 14 * rng.random() ** 3
        for day in range(60):
            shifted = day - 20 if day >= 30 and day - 20 == 17 else day
            days[day].append(_day(rng, index, shifted if day != 37 else 17, starts[day], load=load, p50_s=p50_s))
    workflows = [
        WorkflowTotals(f"wf_{i:02d}", name, add(days[d][i] for d in range(30, 60)), add(days[d][i] for d in range(30)))
        for i, name in enumerate(NAMES)
    ]
    statistics = _statistics(
        [Bucket(starts[d], starts[d] + timedelta(days=1), add(days[d])) for d in range(30, 60)],
        previous=add(part for d in range(30) for part in days[d]),
        workflows=tuple(sorted(workflows, key=lambda item: (-item.totals.executions, item.workflow_id or ""))),
        period="30d",
    )
    series: dict[str | None, list[int]] = {
        f"wf_{i:02d}": [days[d][i].executions for d in range(30, 60)] for i in range(len(NAMES))
    }
    return statistics, _nodes(statistics, rng), _errors(statistics), series


def _statistics(
    buckets: list[Bucket], *, previous: Totals, workflows: tuple[WorkflowTotals, ...], period: str
) -> Statistics:
    since, until = buckets[0].start, buckets[-1].end
    return Statistics(
        period=period,
        granularity="day",
        timezone="Europe/Berlin",
        since=since,
        until=until,
        totals=add(bucket.totals for bucket in buckets),
        previous_since=since - (until - since),
        previous=previous,
        buckets=tuple(buckets),
        workflows=workflows,
        workflows_total=len(workflows),
        as_of=UNTIL - timedelta(minutes=3),
        lake_version=1287,
    )


def _nodes(statistics: Statistics, rng: random.Random) -> NodeStatistics:
    kinds = (
        ("Fetch open orders", "n8n-nodes-base.postgres"),
        ("HTTP Request", "n8n-nodes-base.httpRequest"),
        ("注文を変換する", "n8n-nodes-base.code"),
        ("Wait for approval", "n8n-nodes-base.wait"),
        ("Send to Slack", "n8n-nodes-base.slack"),
        ("If amount > 1 000 & not <b>paid</b>", "n8n-nodes-base.if"),
    )
    raw = []
    for index, item in enumerate(statistics.workflows[:8]):
        for place, (name, kind) in enumerate(kinds[: 3 + index % 4]):
            raw.append(
                (item, f"n{index}_{place}", name, kind, item.totals.total_s * rng.uniform(0.02, 0.9) / (place + 1))
            )
    whole = sum(entry[4] for entry in raw)
    nodes = []
    for item, id_, name, kind, own in sorted(raw, key=lambda entry: -entry[4]):
        runs = item.totals.executions
        failures = round(item.totals.failures * rng.random())
        nodes.append(
            NodeTotals(
                workflow_id=item.workflow_id,
                workflow_name=item.workflow_name,
                node_id=id_,
                node_name=name,
                node_type=kind,
                runs=runs,
                executions=runs,
                execution_share=rng.uniform(0.4, 1),
                failures=failures,
                failure_rate=failures / runs,
                total_s=own * 1.2,
                exclusive_s=own,
                exclusive_share=own / whole,
                avg_s=own / runs,
                p50_s=own / runs / 2,
                p95_s=own / runs * 3,
                max_s=own / runs * 50,
                items_out=runs * 12,
            )
        )
    return NodeStatistics(statistics.since, statistics.until, tuple(nodes), 148, statistics.as_of, 1287)


def _errors(statistics: Statistics) -> ErrorStatistics:
    since = statistics.since
    rows = (
        (
            "NodeApiError",
            "The service was not able to process your request: 503 Service Unavailable",
            1180,
            96,
            -200,
            0,
        ),
        ("TimeoutError", "Workflow timed out after 300 s", 402, 388, -400, 0),
        ("NodeOperationError", 'Column "loyalty_tier" does not exist in relation "customers_v2"', 633, 0, 8.4, 0),
        ("AxiosError", NASTY, 44, 51, -90, 1),
        (None, "接続がタイムアウトしました (host db-primary.internal)", 12, 30, -50, 6),
        ("ExpressionError", STACK, 9, 0, 21.2, 2),
    )
    groups = tuple(
        ErrorGroup(
            fingerprint=f"v1:{index:04x}",
            error_type=kind,
            message=message,
            executions=count,
            previous=previous,
            first_seen=since + timedelta(days=first),
            last_seen=UNTIL - timedelta(days=last, minutes=17),
            is_new=first >= 0,
            workflows=(("wf_00", NAMES[0], count // 2), ("wf_06", NAMES[6], count // 3))[: 1 + index % 2],
            workflows_total=1 + (index % 2) * 4,
            nodes=(f"n{index}_0", "unknown-node-id"),
            sample_ids=tuple(f"exec_{90210 - index * 311 - n}" for n in range(3)),
        )
        for index, (kind, message, count, previous, first, last) in enumerate(rows)
    )
    return ErrorStatistics(
        since, statistics.until, groups, 23, statistics.totals.failures, statistics.as_of, statistics.lake_version
    )


def empty() -> tuple[Statistics, NodeStatistics, ErrorStatistics]:
    """A lake without a record."""
    starts = [UNTIL - timedelta(days=7 - day) for day in range(7)]
    statistics = _statistics(
        [Bucket(start, start + timedelta(days=1), totals()) for start in starts],
        previous=totals(),
        workflows=(),
        period="7d",
    )
    statistics = replace(statistics, as_of=None, lake_version=0)
    nodes = NodeStatistics(statistics.since, statistics.until, (), 0, None, 0)
    return statistics, nodes, ErrorStatistics(statistics.since, statistics.until, (), 0, 0, None, 0)


def tiny() -> tuple[Statistics, NodeStatistics, ErrorStatistics]:
    """Three executions on one day: one went well, one failed, one is still running; nothing in the period before."""
    starts = [UNTIL - timedelta(days=7 - day) for day in range(7)]
    one = totals(1, 1, running=1, p50_s=0.82, spread=0.2)
    statistics = _statistics(
        [Bucket(start, start + timedelta(days=1), one if day == 4 else totals()) for day, start in enumerate(starts)],
        previous=totals(),
        workflows=(WorkflowTotals("wf_00", None, one, totals()),),
        period="7d",
    )
    node = NodeTotals("wf_00", None, "Set", "Set", None, 2, 2, 2 / 3, 1, 0.5, 0.4, 0.4, 1.0, 0.2, 0.2, 0.38, 0.4, None)
    group = ErrorGroup(
        "v1:0001", None, None, 1, 0, starts[4], starts[4], True, (("wf_00", None, 1),), 1, ("Set",), ("1002",)
    )
    nodes = NodeStatistics(statistics.since, statistics.until, (node,), 1, statistics.as_of, 3)
    return statistics, nodes, ErrorStatistics(statistics.since, statistics.until, (group,), 1, 1, statistics.as_of, 3)


def hourly(hours: int = 720) -> tuple[Statistics, NodeStatistics, ErrorStatistics]:
    """A series by the hour over the end of summer time, with empty nights and a first hour that is not whole."""
    rng = random.Random(11)
    until = datetime(2026, 11, 2, 9, 24, tzinfo=UTC)
    starts = [until - timedelta(minutes=24) - timedelta(hours=hours - 1 - hour) for hour in range(hours)]
    starts = [until - timedelta(hours=hours), *(start for start in starts[1:]), starts[-1] + timedelta(hours=1)]
    ends = [*starts[1:], until]
    buckets = []
    for start, end in zip(starts[:-1], ends[:-1], strict=True):
        load = max(0.0, math.sin((start.hour - 5) / 24 * 2 * math.pi)) * 900
        number = round(load * rng.uniform(0.8, 1.2))
        bad = round(number * rng.uniform(0.0, 0.02))
        buckets.append(
            Bucket(start, end, totals(number - bad, bad, p50_s=rng.uniform(0.2, 0.9) if number else None, spread=1.6))
        )
    statistics = replace(
        _statistics(buckets, previous=totals(90000, 700, p50_s=0.5), workflows=(), period="30d"), granularity="hour"
    )
    nodes = NodeStatistics(statistics.since, statistics.until, (), 0, statistics.as_of, 9)
    return statistics, nodes, ErrorStatistics(statistics.since, statistics.until, (), 0, 700, statistics.as_of, 9)


def extras(statistics: Statistics, series: Mapping[str | None, Sequence[int]]) -> Extras:
    """Hours of the week, load, memory, data, retries and one lasting change, by rule and seed."""
    source = random.Random(7)
    peak = [datetime(2026, 4, 20, hour, tzinfo=UTC) for hour in (12, 13)]
    steps = len(statistics.buckets)
    usage = [
        Usage(900, 800, 80.0 + n % 7, 290.0 + n % 11, 700.0 + n % 13, 850, 1_000_000 + n) for n in range(steps + 1)
    ]
    load = [Load(0.5 + n % 3, 40 + n % 17, 6.0 + n % 5, 30 + n % 7) for n in range(steps + 1)]
    hours = [
        Bucket(at, at + timedelta(hours=1), totals(success=1000 + 10 * at.hour, failed=at.hour + 400 * (at in peak)))
        for at in (statistics.until - timedelta(hours=back) for back in range(30 * 24, 0, -1))
    ]
    first, number = 112, 112 + 28
    borders = [statistics.until - timedelta(hours=6 * (number - n)) for n in range(number + 1)]
    medians = [
        tuple((2.0 if slow and n >= 125 else 1.0) * source.uniform(0.97, 1.03) for n in range(number))
        for slow in (False, True)
    ]
    one, other = list(series)[:2]
    blocks = [
        WorkflowSteps(one, (50,) * number, (1,) * number, (50,) * number, medians[0]),
        WorkflowSteps(other, (50,) * number, (1,) * number, (50,) * number, medians[1]),
    ]
    outcome = RetryOutcome(1000, 400, 100, 47.0)
    return Extras(
        steps=[WorkflowSteps(key, tuple(found), (), (), ()) for key, found in series.items()],
        hours=hours,
        blocks=[BlockSeries(borders, first, [n % 28 for n in range(number)], blocks)],
        usage=usage,
        load=load,
        usage_before=usage[0],
        load_before=load[0],
        retries=RetryStatistics(outcome, {}),
        retry_executions=520,
    )
