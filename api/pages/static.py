"""GET /static/…: what pages load. Names carry a hash of the content, so browsers keep the files for ever."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Response

from api.failures import ApiError

router = APIRouter(include_in_schema=False)

_FOLDER: Final = Path(__file__).parent / "assets"
_OF_REPORTS: Final = ("report.css", "report.js")
_LIBRARY: Final = "plotly.js"
_TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_KEPT: Final = {"Cache-Control": "public, max-age=31536000, immutable"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    name: str
    """As it is asked for: the name with its hash, report-1f0c….css."""
    content: bytes
    media_type: str


@cache
def asset(name: str) -> Asset:
    """The file of that name (report.css, pages.js, plotly.js); read once a process. Raises FileNotFoundError."""
    content = _content(name)
    stem, _, suffix = name.rpartition(".")
    digest = hashlib.blake2b(content, digest_size=8).hexdigest()
    return Asset(f"{stem}-{digest}.{suffix}", content, f"{_TYPES[suffix]}; charset=utf-8")


def asset_url(name: str) -> str:
    """Where a page loads it from."""
    return f"/static/{asset(name).name}"


@router.get("/static/{name}")
def get_asset(name: str) -> Response:
    """One file; 404 also for a hash that its content no longer has."""
    head, _, suffix = name.rpartition(".")
    plain = f"{head.rpartition('-')[0]}.{suffix}"
    if plain in _names() and (found := asset(plain)).name == name:
        # A stored report runs in a sandbox, where even this server is another origin to it.
        headers = {**_KEPT, "Cross-Origin-Resource-Policy": "cross-origin"}
        return Response(found.content, media_type=found.media_type, headers=headers)
    raise ApiError(404, "NOT_FOUND", "There is no such file; reload the page that names it")


@cache
def _names() -> frozenset[str]:
    own = (path.name for path in _FOLDER.iterdir() if path.suffix.lstrip(".") in _TYPES)
    return frozenset({*own, *_OF_REPORTS, _LIBRARY})


def _content(name: str) -> bytes:
    if name in _OF_REPORTS:
        from reports.render import asset as report_asset  # the plotting library comes with it

        return report_asset(name).encode()
    if name == _LIBRARY:
        from reports.render import library

        return library().text.encode()
    return (_FOLDER / name).read_bytes()
