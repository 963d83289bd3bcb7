"""What the routes of reports take and give."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from api.models.schedules import PeriodWord, ReportWords
from api.models.shared import Count, Instant, InstantWord, Model
from reports.request import Kind


class ReportBody(ReportWords):
    """A report to be made and kept."""

    period: PeriodWord | None = Field(
        default=None,
        description="Words of schedules, up to now: last-week (default), yesterday, 7d; or give `since` and `until`.",
    )
    since: InstantWord | None = Field(default=None, description="First instant, instead of `period`.")
    until: InstantWord | None = Field(default=None, description="First instant after it. null: now.")


class ReportEntryModel(Model):
    """A report of the archive."""

    name: str = Field(examples=["20261124T080000000000Z-weekly"])
    title: str
    kind: Kind
    since: Instant
    until: Instant
    timezone: str
    generatedAt: Instant
    tone: Literal["good", "bad", "watch", "neutral"] = Field(description="Of the verdict.")
    verdict: str
    sizeBytes: Count
    workflowId: list[str] = Field(description="It is about these only. Empty: about all.")


class ReportPagination(Model):
    """Where the archive goes on."""

    limit: Count
    hasMore: bool
    nextCursor: str | None = Field(description="Leads to older ones. null: there are none.")


class ReportsModel(Model):
    """Reports, newest first."""

    reports: list[ReportEntryModel]
    pagination: ReportPagination
