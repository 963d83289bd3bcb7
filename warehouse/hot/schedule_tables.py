"""The tables behind schedules of reports: the rules, their runs, what became of each delivery."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from warehouse.hot.metadata import METADATA, Instant

report_schedules: Final = sa.Table(
    "report_schedules",
    METADATA,
    sa.Column("schedule_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("paused", sa.Boolean, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("rule", sa.JSON, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("next_at", Instant, nullable=True),
)
"""One row a schedule. revision: counts its changes. rule: ScheduleRule without its name; its targets may hold secrets.
next_at: the instant it is due next; NULL: paused, or never again."""

report_runs: Final = sa.Table(
    "report_runs",
    METADATA,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("schedule_id", sa.Text, nullable=False),
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("missed", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("settled_at", Instant, nullable=True),
    sa.Column("report", sa.Text, nullable=True),
    sa.Column("model", sa.LargeBinary, nullable=True),
    sa.Column("failure", sa.Text, nullable=True),
    sa.Index("ix_report_runs_schedule_id", "schedule_id", "at"),
    sa.Index("ix_report_runs_state", "state", "due_at"),
)
"""One row a time that a schedule was due, or was told to run. at: the instant it was due. missed: instants before it
that it makes up for. state: waiting, delivering, delivered, skipped or failed. due_at: when a waiting one is made
(again). report: name of the report. model: the report itself, compressed, until all deliveries are settled. failure:
why it failed or was skipped."""

report_deliveries: Final = sa.Table(
    "report_deliveries",
    METADATA,
    sa.Column("delivery_id", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("schedule_id", sa.Text, nullable=False),
    sa.Column("target_no", sa.Integer, nullable=False),
    sa.Column("target", sa.JSON, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("settled_at", Instant, nullable=True),
    sa.Column("place", sa.Text, nullable=True),
    sa.Column("failure", sa.Text, nullable=True),
    sa.Index("ix_report_deliveries_run_id", "run_id", "target_no"),
    sa.Index("ix_report_deliveries_state", "state", "due_at"),
)
"""One row a report on its way to one target, in the order of the rule. target: as the rule had it when the report was
made. state: open, delivered or failed. due_at: when an open one is tried (again). place: where a delivered one is.
failure: why the last attempt failed."""
