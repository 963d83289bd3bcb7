"""What the API says and takes, as its description has it: a module a noun; what they share is `api.models.shared`."""

from api.models.shared import (
    Count,
    ErrorDetail,
    ErrorModel,
    HealthModel,
    Instant,
    InstantWord,
    Model,
    ReadyModel,
    Seconds,
    instant_text,
)

__all__ = [
    "Count",
    "ErrorDetail",
    "ErrorModel",
    "HealthModel",
    "Instant",
    "InstantWord",
    "Model",
    "ReadyModel",
    "Seconds",
    "instant_text",
]
