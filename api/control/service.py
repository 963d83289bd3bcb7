"""Cancel, retry and delete: one execution or many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from api.auth import Principal
from api.control.decisions import ACTIVE, RETRYABLE, Decision, RetryOptions, Row, cancellation, retry
from api.control.engine import Engine
from api.control.recorder import Recorder
from api.failures import ApiError
from api.refusals import cannot_cancel, cannot_retry, execution_not_found
from warehouse import Warehouse
from warehouse.clock import now
from warehouse.filters import ExecutionFilter
from warehouse.hot.store import HotStore
from warehouse.lake import Lake
from warehouse.listing import ListQuery

Action = Literal["cancel", "retry", "delete"]

TOGETHER: Final = 500
"""Executions of a bulk action that are recorded in one transaction."""
FAILURES_MAX: Final = 100
"""Failures of a bulk action that are named one by one."""


@dataclass(slots=True)
class BulkReport:
    """What became of a bulk action."""

    matched: int
    succeeded: int = 0
    failed: int = 0
    failures: list[tuple[str, ApiError]] = field(default_factory=list)
    """The first FAILURES_MAX of them."""
    retries: list[tuple[str, str]] = field(default_factory=list)
    """(the failed execution, the new one), of a retry."""

    def fail(self, id: str, error: ApiError) -> None:
        """Count one that could not be done."""
        self.failed += 1
        if len(self.failures) < FAILURES_MAX:
            self.failures.append((id, error))


class Control:
    """What may be done to executions. Safe to share between threads; each question brings its own `house`."""

    def __init__(self, store: HotStore, lake: Lake, engine: Engine, recorder: Recorder) -> None:
        self._store = store
        self._lake = lake
        self._engine = engine
        self._recorder = recorder

    def cancel(self, principal: Principal, id: str) -> Decision:
        """Cancel one. Raises ApiError: EXECUTION_NOT_FOUND, CANNOT_CANCEL_EXECUTION, what the engine says."""
        return self._alone(cancel_decision(self._row(principal, id)))

    def retry(self, principal: Principal, id: str, options: RetryOptions, new_id: str | None = None) -> Decision:
        """Retry one, as the new execution `new_id`. Raises ApiError: EXECUTION_NOT_FOUND, CANNOT_RETRY_EXECUTION, what
        the engine says.
        """
        decision = retry_decision(self._row(principal, id), options, new_id)
        made = None if new_id is None else self.named(principal, [new_id]).get(new_id)
        # A retry under this id was made before, by a request whose answer got lost.
        return self._alone(decision) if made is None else replace(decision, after=made)

    def delete(self, principal: Principal, id: str) -> None:
        """Delete one with all that hangs on it. Raises ApiError EXECUTION_NOT_FOUND."""
        self._row(principal, id)
        if not self._store.delete(self._lake, [id]):
            raise execution_not_found(id)

    def matching(self, house: Warehouse, filter: ExecutionFilter, cap: int) -> tuple[int, list[Row]]:
        """(how many match, their rows, newest first, when they are no more than `cap`, else none)."""
        page = house.list(ListQuery(filter, limit=cap))
        total = page.total or 0
        rows: list[Row] = [] if total > cap else list(page.records())
        return total, rows

    def named(self, principal: Principal, ids: Sequence[str]) -> dict[str, Row]:
        """The rows of these ids that are there for the principal, by id."""
        # No execution has such an id, and PostgreSQL cannot even be asked for it.
        found = self._store.rows(self._lake, [one for one in ids if "\0" not in one])
        return {row["id"]: row for row in found.to_pylist() if principal.sees(row["workflow_id"])}

    def bulk(
        self, action: Action, ids: Sequence[str], rows: Mapping[str, Row], options: RetryOptions, *, dry_run: bool
    ) -> BulkReport:
        """Do it to each of these ids; one that cannot be done does not stop the others."""
        report = BulkReport(len(ids))
        for begin in range(0, len(ids), TOGETHER):
            some = ids[begin : begin + TOGETHER]
            if action == "delete":
                self._delete_some(some, rows, report, dry_run=dry_run)
            else:
                decide = cancel_decision if action == "cancel" else lambda row: retry_decision(row, options, None)
                self._decide_some(some, rows, decide, report, dry_run=dry_run)
        return report

    def _delete_some(self, ids: Sequence[str], rows: Mapping[str, Row], report: BulkReport, *, dry_run: bool) -> None:
        there = [one for one in ids if one in rows]
        for one in ids:
            if one not in rows:
                report.fail(one, execution_not_found(one))
        gone = len(there) if dry_run else self._store.delete(self._lake, there)
        report.succeeded += gone
        report.failed += len(there) - gone  # somebody else deleted them at the same time

    def _decide_some(
        self,
        ids: Sequence[str],
        rows: Mapping[str, Row],
        decide: Callable[[Row], Decision],
        report: BulkReport,
        *,
        dry_run: bool,
    ) -> None:
        decisions: list[Decision] = []
        for one in ids:
            try:
                decisions.append(decide(_there(rows, one)))
            except ApiError as error:
                report.fail(one, error)
        if dry_run:
            report.succeeded += len(decisions)
            return
        outcomes = self._engine.carry_out(decisions, self._recorder) if decisions else []
        for decision, outcome in zip(decisions, outcomes, strict=True):
            if isinstance(outcome, ApiError):
                report.fail(decision.id, outcome)
                continue
            report.succeeded += 1
            if decision.command.kind == "retry":
                report.retries.append((decision.id, outcome.after["id"]))

    def _alone(self, decision: Decision) -> Decision:
        outcome = self._engine.carry_out([decision], self._recorder)[0]
        if isinstance(outcome, ApiError):
            raise outcome
        return outcome

    def _row(self, principal: Principal, id: str) -> Row:
        return _there(self.named(principal, [id]), id)


def cancel_decision(row: Row) -> Decision:
    """Raises ApiError CANNOT_CANCEL_EXECUTION for what has ended."""
    if row["status"] not in ACTIVE:
        raise cannot_cancel(row["id"], row["status"])
    return cancellation(row, now())


def retry_decision(row: Row, options: RetryOptions, new_id: str | None) -> Decision:
    """Raises ApiError CANNOT_RETRY_EXECUTION for what has not failed."""
    if row["status"] not in RETRYABLE:
        raise cannot_retry(row["id"], row["status"])
    return retry(row, options, now(), new_id)


def _there(rows: Mapping[str, Any], id: str) -> Row:
    found: Row | None = rows.get(id)
    if found is None:
        raise execution_not_found(id)
    return found
