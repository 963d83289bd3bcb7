"""What the event stream says, as the description of the API has it."""

from __future__ import annotations

from pydantic import Field

from api.models.shared import Instant, Model


class TicketModel(Model):
    """Opens one WebSocket."""

    ticket: str = Field(description="For `?ticket=`; once.")
    expiresAt: Instant
