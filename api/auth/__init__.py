"""Who asks, and what they may: tokens for programs, a session for browsers.

A route takes `principal: Annotated[Principal, Depends(requires("executions:read"))]` and passes
`principal.workflows()` down with every question.
"""

from api.auth.dependency import may, requires
from api.auth.principal import SCOPES, Principal

__all__ = ["SCOPES", "Principal", "may", "requires"]
