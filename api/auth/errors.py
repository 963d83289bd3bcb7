"""The refusals: who are you, you may not, not so fast."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.failures import ApiError

_MAY_NOT: Final[Mapping[str, tuple[str, str]]] = {
    # scope: (what is refused of one execution, what is refused else)
    "executions:read": ("access this execution", "access executions"),
    "executions:write": ("write to this execution", "write executions"),
    "executions:control": ("control this execution", "control executions"),
    "executions:delete": ("delete this execution", "delete executions"),
    "webhooks:manage": ("manage webhooks", "manage webhooks"),
    "reports:read": ("access reports", "access reports"),
    "reports:manage": ("manage reports", "manage reports"),
    "admin": ("administer this server", "administer this server"),
}


def unauthenticated(message: str, *, error: str | None = None) -> ApiError:
    """401. `error`: what RFC 6750 calls it when a token was given and refused."""
    challenge = 'Bearer realm="runlake"' + (f', error="{error}"' if error else "")
    return ApiError(401, "UNAUTHENTICATED", message, headers={"WWW-Authenticate": challenge})


def forbidden(scope: str, path_params: Mapping[str, Any]) -> ApiError:
    """403, in the contract's words."""
    of_one, else_ = _MAY_NOT[scope]
    what = of_one if "id" in path_params else else_
    return ApiError(403, "INSUFFICIENT_PERMISSIONS", f"You don't have permission to {what}", requiredPermission=scope)


def foreign_origin() -> ApiError:
    """403 for a browser's request that another site may have caused."""
    return ApiError(
        403,
        "FOREIGN_ORIGIN",
        "A browser's session may change things from this server's own pages only; use a token instead",
    )


def too_many_attempts(retry_after_s: int) -> ApiError:
    """429 after failed attempts."""
    return ApiError(
        429,
        "TOO_MANY_ATTEMPTS",
        f"Too many attempts with an invalid token from your address; try again in {retry_after_s} s",
        headers={"Retry-After": str(retry_after_s)},
        retryAfter=retry_after_s,
    )
