"""From templates to answers: one environment, one layout, and what a page may load."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.auth import Principal
from api.pages import times
from api.pages.static import asset_url
from reports import format as fmt
from warehouse.clock import now

_BASE: Final = (
    "default-src 'none'; script-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; "
)
POLICY: Final = _BASE + "style-src 'self'"
"""Of every page: nothing inline, nothing from elsewhere."""
POLICY_OF_CHARTS: Final = _BASE + "style-src 'self' 'unsafe-inline'"
"""Of pages with charts: the plotting library styles what it draws from its script."""

_PAGES: Final = (
    # path, label, scope it needs
    ("/", "Overview", "reports:read"),
    ("/executions", "Executions", "executions:read"),
    ("/reports", "Reports", "reports:read"),
)


def page(
    request: Request,
    template: str,
    *,
    principal: Principal | None,
    status: int = 200,
    policy: str = POLICY,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """A whole page. `principal`: who sees it, and so what it leads to; None: nobody who is known."""
    html = render(request, template, principal=principal, **values)
    sent = {"Cache-Control": "no-store", "Vary": "Accept, Cookie", **(headers or {})}
    return HTMLResponse(html, status, headers={**sent, "Content-Security-Policy": policy})


def render(request: Request, template: str, *, principal: Principal | None, **values: Any) -> str:
    """The same as text; also for a part of a page."""
    zone: str = request.app.state.config.timezone
    path, exposure = request.scope["path"], request.app.state.exposure
    return (
        environment()
        .get_template(template)
        .render(
            principal=principal,
            pages=[
                (href, label, path == href or (href != "/" and path.startswith(f"{href}/")))
                for href, label, scope in _PAGES
                if principal is not None and principal.may(scope)
            ],
            api_open=principal is not None and (exposure.open_metrics or principal.may("admin")),
            zone=values.pop("zone", zone),
            now=values.pop("now", None) or now(),
            **values,
        )
    )


@cache
def environment() -> Environment:
    """Where the templates are, with the words for numbers and instants."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates", encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        count=fmt.count,
        duration=fmt.duration,
        size=fmt.size,
        plural=fmt.plural,
        percent=fmt.percent,
        clean=fmt.clean,
        instant=fmt.instant,
        iso=times.iso,
        exact=times.exact,
        ago=times.ago,
        clock=times.clock,
        path=lambda text: quote(text, safe=""),
    )
    made.globals.update(asset=asset_url, status_words=STATUS_WORDS, date_range=fmt.date_range)
    return made


STATUS_WORDS: Final[Mapping[str, str]] = {
    "queued": "Queued",
    "running": "Running",
    "success": "Success",
    "failed": "Failed",
    "timeout": "Timed out",
    "cancelled": "Cancelled",
}
"""What people read."""
