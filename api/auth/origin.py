"""Whether a browser made a request from a page of this server."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def from_own_page(connection: HTTPConnection) -> bool:
    """Whether the browser says so: by Sec-Fetch-Site, else by Origin. False where it says neither."""
    site = connection.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = connection.headers.get("origin")
    # Only the host is compared: a proxy in front may speak https where we speak http.
    return origin is not None and urlsplit(origin).netloc.lower() == connection.headers.get("host", "").lower()


def may_use_cookie(connection: HTTPConnection) -> bool:
    """Whether a session counts for this request.

    For what changes something only from our own pages. For safe methods not where the browser says that a page of
    another site asked, except to go there, as when somebody follows a link.
    """
    method = connection.scope.get("runlake.method", connection.scope.get("method", "GET"))
    if method not in SAFE_METHODS:
        return from_own_page(connection)
    if connection.headers.get("sec-fetch-site") in (None, "same-origin", "none"):
        return True
    return connection.headers.get("sec-fetch-mode") == "navigate" and not connection.url.path.startswith("/v1/")
