"""The tables behind alerts: rules with their state, what they fired, and the messages about that."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from warehouse.hot.metadata import METADATA, EngineText, Instant

alert_rules: Final = sa.Table(
    "alert_rules",
    METADATA,
    sa.Column("alert_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("workflow_id", EngineText, nullable=True),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("rule", sa.JSON, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("firing_id", sa.Text, nullable=True),
    sa.Column("fired_at", Instant, nullable=True),
    sa.Column("below_since", Instant, nullable=True),
    sa.Column("evaluated_at", Instant, nullable=True),
    sa.Column("told", sa.JSON, nullable=False),
    sa.Column("failure", sa.Text, nullable=True),
)
"""One row a rule, with its state. workflow_id NULL: all workflows. revision: counts changes of the rule. rule: the
fields that depend on its kind. firing_id: of the firing that is not resolved; NULL: none. fired_at: of the last firing;
below_since: since when a firing rule has been below its threshold; evaluated_at: at which instant it was last looked
at; told: fingerprints that newError has told of; failure: why the last look failed, NULL: it did not."""

alert_firings: Final = sa.Table(
    "alert_firings",
    METADATA,
    sa.Column("firing_id", sa.Text, primary_key=True),
    sa.Column("alert_id", sa.Text, nullable=False),
    sa.Column("fired_at", Instant, nullable=False),
    sa.Column("resolved_at", Instant, nullable=True),
    sa.Column("fired", sa.JSON, nullable=False),
    sa.Column("resolved", sa.JSON(none_as_null=True), nullable=True),
    sa.Index("ix_alert_firings_alert_id", "alert_id", "fired_at"),
)
"""One row a firing. fired, resolved: numbers and url as they were told. resolved_at NULL: it still fires."""

alert_mails: Final = sa.Table(
    "alert_mails",
    METADATA,
    sa.Column("mail_id", sa.Text, primary_key=True),
    sa.Column("firing_id", sa.Text, nullable=False),
    sa.Column("alert_id", sa.Text, nullable=False),
    sa.Column("change", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("message", sa.JSON, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("due_at", Instant, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("settled_at", Instant, nullable=True),
    sa.Column("failure", sa.Text, nullable=True),
    sa.Index("ix_alert_mails_state_due_at", "state", "due_at"),
    sa.Index("ix_alert_mails_firing_id", "firing_id"),
)
"""One row a message to one address. change: firing or resolved. message: subject, text, html. state: open, sent or
failed; an open one may be sent (again) from due_at on. failure: why the last attempt failed."""
