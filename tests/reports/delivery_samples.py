"""Reports that are delivered: a month with failures, one of nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any

from reports.build import build
from reports.model import ReportModel, Selection
from tests.reports import samples


@cache
def _month() -> ReportModel:
    statistics, nodes, errors, *_ = samples.month()
    return build(statistics, nodes, errors, generated_at=samples.GENERATED_AT, generator="runlake test")


def month(**fields: Any) -> ReportModel:
    """A month of 40 workflows with hostile names and an incident."""
    return replace(_month(), **fields)


def month_made(days_later: float = 0, workflow_ids: tuple[str, ...] = (), **fields: Any) -> ReportModel:
    """The same, made some days later, about these workflows."""
    at = samples.GENERATED_AT + timedelta(days=days_later)
    return month(generated_at=at, selection=Selection(workflow_ids=workflow_ids), **fields)


@cache
def empty() -> ReportModel:
    """Nothing ran."""
    statistics, nodes, errors, *_ = samples.empty()
    return build(statistics, nodes, errors, generated_at=samples.GENERATED_AT, generator="runlake test")
