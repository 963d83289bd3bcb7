"""The contract's refusals: codes, words and fields exactly as its examples have them."""

from __future__ import annotations

from typing import Final

from api.failures import ApiError
from warehouse.schema import FINISHED

_SHOWN_CHARS: Final = 200


def execution_not_found(id: str) -> ApiError:
    """404: there is none, or none for this token."""
    return ApiError(404, "EXECUTION_NOT_FOUND", f"Execution with ID '{id[:_SHOWN_CHARS]}' not found")


def cannot_cancel(id: str, status: str) -> ApiError:
    """409 for what has ended."""
    what = f"already {status}" if status in ("cancelled", "timeout") else "already completed"
    if status not in FINISHED:
        what = "being cancelled already"
    return ApiError(
        409, "CANNOT_CANCEL_EXECUTION", f"Cannot cancel execution that is {what}", executionId=id, status=status
    )


def cannot_retry(id: str, status: str) -> ApiError:
    """409 for what has not ended, or was a success."""
    what = "was successful" if status == "success" else "has not ended yet"
    return ApiError(409, "CANNOT_RETRY_EXECUTION", f"Cannot retry execution that {what}", executionId=id, status=status)
