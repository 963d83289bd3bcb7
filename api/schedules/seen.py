"""What a token that is bound to workflows may do with reports, and refusals as the API says them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from api.auth import Principal
from api.failures import ApiError
from warehouse.errors import BadInputError


def own_workflows(principal: Principal, asked: Collection[str]) -> tuple[str, ...]:
    """The workflows a report of this token is about: those asked for; its own where it asks for none; empty: all.

    Raises ApiError 403 for one that is not the token's.
    """
    if principal.workflow_ids is None:
        return tuple(asked)
    foreign = next((one for one in asked if one not in principal.workflow_ids), None)
    if foreign is not None:
        raise ApiError(
            403,
            "WORKFLOW_NOT_ALLOWED",
            f"workflowId {foreign[:100]!r}: this token is bound to other workflows",
            parameter="workflowId",
        )
    return tuple(asked) or principal.workflows()


@contextmanager
def refusals(code: str) -> Iterator[None]:
    """What does not go together in a body is refused by this word."""
    try:
        yield
    except BadInputError as error:
        details: dict[str, Any] = {"parameter": error.field} if error.field else {}
        raise ApiError(400, code, str(error), **details) from error
