"""A report as an e-mail and as a post: what it says, that nothing in it is markup, how large it gets."""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reports.delivery import mail
from reports.delivery.digest import Occasion, digest_json
from reports.delivery.letter import message_of
from reports.delivery.mail import letter_of
from reports.delivery.slack import slack_body
from reports.pictures import PLOT_PX, SCALE, WIDTH_PX, pictures
from tests.reports.delivery_samples import empty, month
from tests.reports.samples import HOSTILE

URL = "https://runs.example.org"
LINKED = Occasion("Team & <friends>", "20260512T220431000000Z-weekly", f"{URL}/reports/20260512T220431000000Z-weekly")
NOWHERE = replace(LINKED, url=None)


class Page(HTMLParser):
    """What is in the HTML of a mail."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_text_and_html_say_the_same_facts() -> None:
    model = month(public_url=URL)
    letter = letter_of(model, LINKED)
    page = Page(letter.html)
    for told in (letter.text, page.text):
        assert model.verdict.text in told
        assert model.title in told
        for finding in model.headline[:6]:
            assert finding.text in told
        assert "Team & <friends>" in told
        assert "97.8" in told  # the success rate
    assert LINKED.url is not None
    assert LINKED.url in letter.text
    assert LINKED.url in [one["href"] for one in page.all("a")]
    assert letter.attachments == ()
    assert letter.subject.startswith(f"{model.title}, 13")
    assert "\n" not in letter.subject
    assert len(letter.subject) <= 150


def test_links_lead_to_the_lists_that_were_counted() -> None:
    letter = letter_of(month(public_url=URL), LINKED)
    hrefs = [str(one["href"]) for one in Page(letter.html).all("a")]
    lists = [href for href in hrefs if "/executions?" in href]
    assert len(lists) >= 8
    assert all(href.startswith(f"{URL}/executions?filter%5B") for href in lists)
    assert any("fingerprint" in href for href in lists)
    assert "[" not in "".join(re.findall(r"https://\S+", letter.text))


def test_text_of_records_is_never_markup_and_nothing_runs_or_is_fetched() -> None:
    letter = letter_of(month(public_url=URL, title=f"Weekly {HOSTILE}"), LINKED)
    page = Page(letter.html)
    assert HOSTILE in page.text
    assert not page.all("script")
    assert {str(one["src"]) for one in page.all("img")} == {"cid:executions", "cid:success", "cid:durations"}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert not page.all("link")
    assert "url(" not in letter.html


def test_every_picture_is_a_sharp_png_with_words() -> None:
    found = pictures(month())
    assert [one.key for one in found] == ["executions", "success", "durations"]
    for one in found:
        width, height = struct.unpack(">II", one.png[16:24])
        assert (width, height) == (WIDTH_PX * SCALE, one.height_px * SCALE)
        assert one.height_px >= PLOT_PX
        assert len(one.png) < 120_000
        assert len(one.alt) > 40
    assert pictures(month()) == found  # the same bytes


def test_nothing_to_show_is_said_in_words() -> None:
    letter = letter_of(empty(), LINKED)
    assert letter.pictures == ()
    assert not Page(letter.html).all("img")
    assert empty().verdict.text in letter.text


def test_without_an_address_the_page_comes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    letter = letter_of(month(), NOWHERE)
    (page,) = letter.attachments
    assert (page.name, page.media_type) == (f"{NOWHERE.report}.html", "text/html")
    assert b"Content-Security-Policy" in page.content
    assert "is attached" in letter.text
    assert len(message_of(letter, "rd_1", "a@b.c", "d@e.f").as_bytes()) < mail.MAIL_BYTES_MAX
    monkeypatch.setattr(mail, "MAIL_BYTES_MAX", 4_000_000)
    packed = letter_of(month(), NOWHERE)
    (file,) = packed.attachments
    assert file.name.endswith(".zip")
    assert zipfile.ZipFile(io.BytesIO(file.content)).read(f"{NOWHERE.report}.html") == page.content
    assert len(message_of(packed, "rd_1", "a@b.c", "d@e.f").as_bytes()) < 4_000_000
    monkeypatch.setattr(mail, "MAIL_BYTES_MAX", 900_000)
    bare = letter_of(month(), NOWHERE)
    assert bare.attachments == ()
    assert "too large for an e-mail" in bare.text
    assert "too large for an e-mail" in Page(bare.html).text


def test_the_message_has_the_form_that_mail_programs_expect() -> None:
    message = message_from_bytes(
        message_of(letter_of(month(), LINKED), "rd_1", "Runlake <a@b.c>", "d@e.f").as_bytes(), policy=policy.default
    )
    assert isinstance(message, EmailMessage)
    assert message.get_content_type() == "multipart/alternative"
    plain, related = message.iter_parts()
    assert plain.get_content_type() == "text/plain"
    assert related.get_content_type() == "multipart/related"
    html = message.get_body(("html",))
    assert html is not None
    cids = {part["Content-ID"].strip("<>") for part in related.iter_parts() if part["Content-ID"]}
    assert cids == set(re.findall(r'"cid:([^"]+)"', html.get_content()))
    assert len(cids) == 3


def test_a_post_fits_and_its_text_is_no_markup() -> None:
    body = slack_body(month(public_url=URL, title=f"Weekly {HOSTILE} <!channel> @here *bold*"), LINKED)
    told = json.dumps(body)
    assert len(body["blocks"]) <= 50
    for block in body["blocks"]:
        for text in [block.get("text"), *block.get("fields", []), *block.get("elements", [])]:
            if text is not None:
                assert len(text["text"]) <= 3000
    marked = [block["text"]["text"] for block in body["blocks"] if block.get("text", {}).get("type") == "mrkdwn"]
    assert "<script" not in "".join(marked)
    assert "<!channel>" not in "".join(marked) + body["text"]
    assert "@here" not in body["text"]
    assert f"{LINKED.url}|The report" in told
    assert body["text"]
    assert slack_body(empty(), NOWHERE)["blocks"]


def test_a_webhook_is_told_numbers_and_not_words() -> None:
    model = month(public_url=URL)
    told = json.loads(json.dumps(digest_json(model, LINKED)))
    assert told["metrics"]["executions"]["value"] == sum(point.executions for point in model.points)
    assert told["verdict"] == {"tone": model.verdict.tone, "text": model.verdict.text}
    assert (told["since"], told["until"]) == ("2026-04-12T22:00:00Z", "2026-05-12T22:00:00Z")
    assert told["url"] == LINKED.url
    assert len(told["errors"]) == 5
    assert told["errorsTotal"] == model.errors_total


def test_it_is_readable_at_the_width_of_a_phone(chromium: str, tmp_path: Path) -> None:
    import base64

    from playwright.sync_api import sync_playwright

    letter = letter_of(month(public_url=URL), LINKED)
    html = letter.html
    for picture in letter.pictures:
        data = base64.b64encode(picture.png).decode()
        html = html.replace(f'"cid:{picture.key}"', f'"data:image/png;base64,{data}"')
    (tmp_path / "mail.html").write_text(html, "utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        problems: list[str] = []
        for width in (390, 600, 1000):
            page = browser.new_page(viewport={"width": width, "height": 900}, java_script_enabled=True)
            page.on("console", lambda message: problems.append(message.text))
            page.goto((tmp_path / "mail.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert page.evaluate("[...document.images].every(one => one.complete && one.naturalWidth > 0)")
            assert page.evaluate("Math.max(...[...document.images].map(one => one.width))") <= 600
            page.close()
        browser.close()
    assert problems == []
