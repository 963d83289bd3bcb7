"""Addresses of the served pages: the list of executions that a chart or a number counts, one execution, one workflow.

The parameters are those of `GET /v1/executions`, so a link says the same as the API's filter. A link is made only when
the report knows where the pages are (`ReportModel.public_url`; the empty text: on the very server that shows the page).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from reports.model import ReportModel
from warehouse.schema import UNSUCCESSFUL

FAILURES = ",".join(UNSUCCESSFUL)
"""The statuses that the number of failures counts, as a filter."""


def executions(
    model: ReportModel,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    statuses: Sequence[str] = (),
    workflow_id: str | None = None,
    fingerprint: str | None = None,
    retry_of: str | None = None,
) -> str | None:
    """The list of the report's executions, narrowed by what is given. None: the report has no address to lead to.

    Without `since` and `until` it is the whole period; `statuses` narrow the report's own.
    """
    if model.public_url is None:
        return None
    chosen = model.selection
    wanted = tuple(one for one in statuses if not chosen.statuses or one in chosen.statuses) or chosen.statuses
    return _list(
        model.public_url,
        {
            "status": ",".join(wanted or statuses),
            "workflowId": workflow_id or ",".join(chosen.workflow_ids),
            "mode": ",".join(chosen.modes),
            "startDate": instant(since or model.since),
            "endDate": instant(until or model.until),
            "fingerprint": fingerprint or chosen.fingerprint or "",
            "retryOf": retry_of or "",
        },
    )


def execution(model: ReportModel, id: str) -> str | None:
    """The page of one execution."""
    return None if model.public_url is None else f"{_root(model.public_url)}/executions/{quote(id, safe='')}"


def workflow(model: ReportModel, id: str | None) -> str | None:
    """The page of one workflow; None also for the executions that name none."""
    if model.public_url is None or id is None:
        return None
    return f"{_root(model.public_url)}/workflows/{quote(id, safe='')}"


def instant(at: datetime) -> str:
    """An instant as a parameter: RFC 3339 in UTC, with microseconds only where there are any."""
    utc = at.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if utc.microsecond else "%Y-%m-%dT%H:%M:%SZ")


def _list(public_url: str, parameters: Mapping[str, str]) -> str:
    asked = "&".join(f"filter[{name}]={quote(value, safe=',:')}" for name, value in parameters.items() if value)
    return f"{_root(public_url)}/executions?{asked}"


def _root(public_url: str) -> str:
    return public_url.rstrip("/")
