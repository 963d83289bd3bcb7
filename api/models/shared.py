"""What the API says: the words that all its models share.

Names are the contract's (camelCase). Times are seconds rounded to a microsecond, ratios are 0..1, instants are RFC 3339
in UTC, with a fraction only when it is not zero. null means that there is no such number, never zero.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema


def instant_text(at: datetime) -> str:
    """An instant as 2023-12-06T10:00:00Z, or with milliseconds or microseconds where it has them."""
    text = at.astimezone(UTC).isoformat()[:-6]
    return f"{text.removesuffix('000') if at.microsecond else text}Z"


Instant = Annotated[
    datetime,
    PlainSerializer(instant_text, return_type=str, when_used="always"),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2023-12-06T10:00:00Z"]}),
]
"""An instant, UTC."""
INSTANT_PATTERN: Final = (
    r"^(19|20)\d{2}-(0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])(T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?Z)?$"
)
"""A date or an instant in UTC, as callers write it."""
InstantWord = Annotated[str, WithJsonSchema({"type": "string", "pattern": INSTANT_PATTERN})]
"""An instant that a caller gives: a date is its midnight."""
Seconds = Annotated[float | None, Field(description="Seconds; null: no execution with a duration.", examples=[3.2])]
Count = Annotated[int, Field(ge=0)]


class Model(BaseModel):
    """A documented answer; nothing may be in it that is not documented."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ErrorDetail(Model):
    """What went wrong."""

    model_config = ConfigDict(frozen=True, extra="allow")
    code: str = Field(description="Stable word for programs.", examples=["INVALID_PARAMETER"])
    message: str = Field(description="One sentence for people.")
    timestamp: Instant


class ErrorModel(Model):
    """The body of every answer that is not a success."""

    error: ErrorDetail


class HealthModel(Model):
    """The server is alive."""

    status: str = Field(examples=["ok"])
    version: str = Field(description="Release of runlake.")


class ReadyModel(Model):
    """The server can work."""

    status: str = Field(examples=["ok"])
    checks: dict[str, str] = Field(
        description="`ok` or `failing` of lake, hotStore and sealer.",
        examples=[{"lake": "ok", "hotStore": "ok", "sealer": "ok"}],
    )
