"""From a schedule and an instant to the report that is asked for."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from reports.data import check
from reports.request import Kind, ReportRequest
from reports.spans import span_of
from warehouse.errors import BadInputError
from warehouse.hot.schedule_rule import ScheduleRule
from warehouse.period import GRANULARITIES


def request_of(rule: ScheduleRule, at: datetime) -> ReportRequest:
    """The report of a rule that is due at an instant; of the kind comparison, with the like period before.

    Raises BadInputError for what does not go together.
    """
    if rule.granularity is not None and rule.granularity not in GRANULARITIES:
        raise BadInputError(
            f"granularity is {rule.granularity[:50]!r}; allowed: {', '.join(GRANULARITIES)}",
            field="granularity",
            value=rule.granularity,
        )
    span = span_of(rule.period, at, rule.timezone)
    compared = rule.kind == "comparison"
    request = ReportRequest(
        kind=cast(Kind, rule.kind),
        period=rule.period,
        since=span.since,
        until=span.until,
        granularity=rule.granularity,
        timezone=rule.timezone,
        workflow_ids=rule.workflow_ids,
        fingerprint=rule.fingerprint,
        against_since=span.previous_since if compared else None,
        against_until=span.since if compared else None,
        title=rule.title,
    )
    check(request)
    return request
