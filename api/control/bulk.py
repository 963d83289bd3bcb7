"""Bulk actions: which executions are meant, within the cap, and what became of them."""

from __future__ import annotations

from fastapi import FastAPI

from api.auth import Principal
from api.control.decisions import RetryOptions
from api.control.service import Action, Control
from api.failures import ApiError
from api.models.control import BULK_LIMIT_MAX, BulkBody, BulkFailure, BulkFilter, BulkModel, BulkRetry, some
from api.reading.questions import listed_filter
from api.reading.selection import FilterWords
from warehouse import Warehouse
from warehouse.clock import now


def bulk(app: FastAPI, principal: Principal, action: Action, body: BulkBody, options: RetryOptions) -> BulkModel:
    """Do it. Raises ApiError 400 when neither or both of ids and filter are given, or too many executions are meant."""
    control: Control = app.state.control
    if (body.ids is None) == (body.filter is None):
        raise ApiError(400, "INVALID_BODY", "give either ids or filter", parameter="ids")
    if body.ids is not None:
        ids = list(dict.fromkeys(body.ids))
        if len(ids) > body.limit:
            raise _too_many(len(ids), body.limit)
        rows = control.named(principal, ids)
    else:
        assert body.filter is not None
        house: Warehouse = app.state.house
        meant = listed_filter(filter_words(body.filter), principal, app.state.config.timezone, now())
        with house.fork() as own:
            total, found = control.matching(own, meant, body.limit)
        if total > body.limit:
            raise _too_many(total, body.limit)
        ids = [row["id"] for row in found]
        rows = {row["id"]: row for row in found}
    report = control.bulk(action, ids, rows, options, dry_run=body.dryRun)
    return BulkModel(
        action=action,
        dryRun=body.dryRun,
        matched=report.matched,
        succeeded=report.succeeded,
        failed=report.failed,
        failures=[
            BulkFailure(id=one, code=error.code, message=str(error), status=error.details.get("status"))
            for one, error in report.failures
        ],
        retries=[BulkRetry(retryOf=old, executionId=new) for old, new in report.retries]
        if action == "retry" and not body.dryRun
        else None,
    )


def filter_words(filter: BulkFilter) -> FilterWords:
    """The filter as the list takes it. Raises ApiError 400 for one that every execution would pass."""
    words = FilterWords(
        workflow_ids=some(filter.workflowId),
        statuses=some(filter.status),
        modes=some(filter.mode),
        date_range=filter.dateRange,
        start_date=filter.startDate,
        end_date=filter.endDate,
        error_types=some(filter.errorType),
        fingerprint=filter.fingerprint,
        error_text=filter.error,
        min_duration_s=filter.minDuration,
        retry_of=filter.retryOf,
    )
    if words == FilterWords():
        raise ApiError(400, "INVALID_BODY", "the filter is empty; give at least one condition", parameter="filter")
    return words


def _too_many(count: int, limit: int) -> ApiError:
    return ApiError(
        400,
        "TOO_MANY_EXECUTIONS",
        f"{count} executions match, limit is {limit}; nothing was done: narrow the filter, or raise limit "
        f"(at most {BULK_LIMIT_MAX})",
        count=count,
        limit=limit,
    )
