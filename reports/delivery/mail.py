"""A report as an e-mail: text, HTML without script or network, pictures inside, the page linked or attached."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports import format as fmt
from reports.delivery import digest
from reports.delivery.digest import Occasion
from reports.delivery.letter import Attachment, InlinePicture, Letter
from reports.model import ReportModel
from reports.pictures import pictures
from reports.render import TONE_WORDS, change_words, metric_value, render

MAIL_BYTES_MAX: Final = 9_000_000
"""Of a whole message: many servers take 10 MB, and what is attached grows by a third on its way."""
_GROWS: Final = 1.37
_SUBJECT_CHARS: Final = 150
_TEMPLATES: Final = Path(__file__).parent.parent / "templates"


@dataclass(frozen=True, slots=True)
class _Page:
    """How whoever reads the mail comes to the page."""

    attachment: Attachment | None
    words: str


def letter_of(model: ReportModel, occasion: Occasion) -> Letter:
    """The e-mail about a report.

    The page is linked where `occasion.url` says where it is, else attached, packed when it would be too large, and left
    out with words that say so when it still is. Some 0.7 s for the pictures.
    """
    drawn = pictures(model)
    page = _page(model, occasion, sum(len(picture.png) for picture in drawn))
    shown = {
        "model": model,
        "occasion": occasion,
        "page": page,
        "dates": digest.dates_of(model),
        "as_of": fmt.instant(model.as_of, model.timezone),
        "findings": model.headline[: digest.FINDINGS_MAX],
        "metrics": digest.metrics_of(model),
        "workflows": digest.failing_workflows(model),
        "errors": digest.top_errors(model),
        "executions_url": digest.executions_url(model),
    }
    environment = _environment()
    # A text is not markup: nothing in it is escaped.
    text = environment.get_template("mail.txt.j2").render({**shown, "t": lambda value: Markup(fmt.clean(str(value)))})
    return Letter(
        subject=digest.one_line(f"{model.title}, {digest.dates_of(model)}: {model.verdict.text}", _SUBJECT_CHARS),
        text=text,
        html=environment.get_template("mail.html.j2").render({**shown, "pictures": drawn}),
        pictures=tuple(InlinePicture(picture.key, picture.png) for picture in drawn),
        attachments=() if page.attachment is None else (page.attachment,),
    )


def _page(model: ReportModel, occasion: Occasion, pictures_bytes: int) -> _Page:
    if occasion.url is not None:
        return _Page(None, "")
    room = MAIL_BYTES_MAX / _GROWS - pictures_bytes - 200_000
    html = render(model).encode()
    if len(html) <= room:
        return _Page(Attachment(f"{occasion.report}.html", "text/html", html), "The whole report is attached.")
    packed = _zipped(f"{occasion.report}.html", html)
    if len(packed) <= room:
        words = "The whole report is attached, packed because of its size."
        return _Page(Attachment(f"{occasion.report}.zip", "application/zip", packed), words)
    words = f"The whole report is too large for an e-mail ({fmt.size(len(html))}); it is in the archive."
    return _Page(None, words)


def _zipped(name: str, content: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return held.getvalue()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(count=fmt.count, percent=fmt.percent, plural=fmt.plural)
    environment.globals.update(
        tone_words=TONE_WORDS,
        change_words=change_words,
        value_of=lambda metric: metric_value(metric.value, metric.unit),
        error_text=digest.error_text,
        error_url=digest.error_url,
        failures_url=digest.workflow_failures_url,
        one_line=digest.one_line,
        inks={"good": "#0f7560", "bad": "#b3420a", "watch": "#8a5a00", "neutral": "#576270"},
        washes={"good": "#e4f3ee", "bad": "#fcece2", "watch": "#fbf1d9", "neutral": "#eef2f6"},
    )
    return environment
