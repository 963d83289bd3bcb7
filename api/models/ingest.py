"""What a request with records is answered, as the API describes it; api/writing/ingest_answer.py makes it."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.models.shared import Count


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RejectModel(_Answer):
    """Why a record was rejected: the first thing found, in the order of the contract's fields."""

    field: str | None = Field(description="The contract's name of the field; null: the whole record.")
    reason: str = Field(description="What is wrong and what is allowed.", examples=["the status is missing"])
    value: str | None = Field(description="The value found, shortened; null: it is missing.")


class RecordResultModel(_Answer):
    """What became of one record."""

    index: Count = Field(description="Its place in the request, from 0.")
    id: str | None = Field(description="null: no usable id was found in it.")
    status: Literal["new", "updated", "unchanged", "rejected"] = Field(
        description="unchanged: it was there already, or a newer one is, or another one of the same request prevailed."
    )
    error: RejectModel | None = Field(default=None, description="Of a rejected one.")


class LineResultModel(_Answer):
    """What became of one log line."""

    index: Count = Field(description="Its place in the request, from 0.")
    status: Literal["accepted", "rejected"]
    error: RejectModel | None = Field(default=None, description="Of a rejected one.")


_COMPLETE = (
    "true: `results` names every one. false: there were more than 10,000, and it names rejected ones only, the first "
    "10,000 of them."
)


class IngestModel(_Answer):
    """What became of the records of a request; accepted = new + updated + unchanged."""

    accepted: Count
    rejected: Count
    new: Count
    updated: Count
    unchanged: Count
    results: list[RecordResultModel] = Field(description="In the order of the request.")
    resultsComplete: bool = Field(description=_COMPLETE)


class LogIngestModel(_Answer):
    """What became of the log lines of a request."""

    executionId: str
    accepted: Count
    rejected: Count
    results: list[LineResultModel] = Field(description="In the order of the request.")
    resultsComplete: bool = Field(description=_COMPLETE)
