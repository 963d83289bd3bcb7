"""The page on which a browser signs in and out. Pure: words in, HTML out; nothing is fetched from anywhere."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

_FOLDER = Path(__file__).parent.parent / "templates"


@dataclass(frozen=True, slots=True)
class LoginPage:
    """What the page says."""

    word: str
    """The signed word its form carries."""
    next: str = "/"
    """Where to go then: a path of this server."""
    problem: str = ""
    """Why it did not work."""
    notice: str = ""
    """What has just been done."""
    signed_in_as: str = ""
    """Name of the token; empty: nobody is signed in."""
    may_read: bool = False
    """Whether that token may read the report."""


def login_response(page: LoginPage, status: int = 200) -> HTMLResponse:
    """The page as an answer that is never kept, and may load nothing and be framed nowhere."""
    css, css_hash = _css()
    policy = (
        f"default-src 'none'; style-src '{css_hash}'; img-src data:; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )
    html = _template().render(asdict(page), css=css)
    return HTMLResponse(html, status, headers={"Content-Security-Policy": policy, "Cache-Control": "no-store"})


@cache
def _css() -> tuple[str, str]:
    css = (_FOLDER / "login.css").read_text("utf-8")
    return css, "sha256-" + base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("login.html.j2")
