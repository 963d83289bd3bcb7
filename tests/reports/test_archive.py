"""The archive: kept, listed, read, removed; in a folder and in a bucket; an index that opens from disk."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reports.archive import Archive, default_location, name_of, slug_of
from reports.model import from_json
from tests.fixtures.bucket import Bucket, bucket_server
from tests.reports.delivery_samples import month, month_made
from tests.reports.samples import HOSTILE
from warehouse.errors import BadInputError


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with bucket_server(monkeypatch) as bucket:
        yield bucket


@pytest.fixture(params=["folder", "bucket"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    if request.param == "folder":
        return Archive.open(str(tmp_path / "reports"))
    bucket: Bucket = request.getfixturevalue("bucket")
    return Archive.open(bucket.url)


class Links(HTMLParser):
    """What a page leads to, and what it would run or fetch."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.hrefs: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.hrefs += [value for name, value in attrs if name in ("href", "src") and value]


def test_what_is_added_is_listed_newest_first_and_read(archive: Archive) -> None:
    assert archive.list(10) == []
    added = [archive.add(month_made(days), slug="weekly") for days in (0, 7, 14)]
    assert archive.list(10) == added[::-1]
    assert archive.list(2) == [added[2], added[1]]
    assert archive.list(10, before=added[1].name) == [added[0]]
    newest = archive.find(added[2].name)
    assert newest == added[2]
    model = month_made(14)
    assert (newest.title, newest.kind, newest.since, newest.until) == (
        model.title,
        "overview",
        model.since,
        model.until,
    )
    assert (newest.tone, newest.verdict, newest.timezone) == (model.verdict.tone, model.verdict.text, "Europe/Berlin")
    assert from_json(archive.read(newest.name, ".json")) == model
    assert archive.read(newest.name, ".md").startswith(b"# ")
    sizes = [len(archive.read(newest.name, suffix)) for suffix in newest.suffixes]
    assert newest.size_bytes == sum(sizes)
    assert all(size < 400_000 for size in sizes)


def test_pages_share_one_library_and_come_whole_when_asked(archive: Archive) -> None:
    first, second = (archive.add(month_made(days), slug="weekly") for days in (0, 7))
    assert first.library == second.library
    page = archive.read(first.name, ".html")
    assert f'src="library/{first.library}"'.encode() in page
    library = archive.read_library(first.library)
    whole = archive.read_whole(first.name)
    assert len(whole) > len(library) > 1_000_000
    shown = re.sub(rb"<script>.*?</script>", b"", whole, flags=re.DOTALL).decode()
    assert not [href for href in Links(shown).hrefs if not href.startswith("#")]


def test_the_library_stays_while_a_report_needs_it(archive: Archive) -> None:
    first, second = (archive.add(month_made(days), slug="weekly") for days in (0, 7))
    assert archive.remove(first.name)
    assert not archive.remove(first.name)
    assert archive.find(first.name) is None
    with pytest.raises(BadInputError, match="no report"):
        archive.read(first.name, ".html")
    assert archive.read_library(first.library)
    assert archive.remove(second.name)
    with pytest.raises(BadInputError, match="no plotting library"):
        archive.read_library(first.library)
    assert archive.list(10) == []


def test_adding_twice_under_one_name_is_once(archive: Archive) -> None:
    name = name_of(month().generated_at, "weekly")
    first = archive.add(month(), slug="", name=name)
    before = {suffix: archive.read(name, suffix) for suffix in first.suffixes}
    assert archive.add(month(), slug="", name=name) == first
    assert archive.list(10) == [first]
    assert {suffix: archive.read(name, suffix) for suffix in first.suffixes} == before


def test_old_reports_and_those_beyond_the_count_go(archive: Archive) -> None:
    added = [archive.add(month_made(days), slug="weekly") for days in (0, 1, 2, 3)]
    assert archive.retain() == 0
    assert archive.retain(0, 0) == 0
    assert archive.retain(count=3) == 1
    assert archive.list(10) == added[:0:-1]
    assert archive.retain(days=100_000) == 0
    assert archive.retain(days=0.001) == 3  # all of them were made long ago
    assert archive.list(10) == []


def test_a_token_bound_to_workflows_sees_what_is_about_nothing_else(archive: Archive) -> None:
    everything = archive.add(month_made(0), slug="all")
    one = archive.add(month_made(1, ("wf_1",)), slug="one")
    both = archive.add(month_made(2, ("wf_2", "wf_1")), slug="both")
    assert archive.list(10, workflow_ids={"wf_1"}) == [one]
    assert archive.list(10, workflow_ids=("wf_1", "wf_2", "wf_3")) == [both, one]
    assert archive.list(1, workflow_ids=("wf_1",)) == [one]
    assert not everything.visible_to({"wf_1"})
    assert everything.visible_to(None)


def test_a_bucket_gives_browsers_pages(bucket: Bucket) -> None:
    entry = Archive.open(bucket.url).add(month(), slug="weekly")
    types = {name.rpartition("/")[2]: kind for name, kind in bucket.types.items()}
    assert types["index.html"] == types[f"{entry.name}.html"] == "text/html; charset=utf-8"
    assert types[entry.library] == "text/javascript; charset=utf-8"
    assert types[f"{entry.name}.md"] == "text/markdown; charset=utf-8"


def test_a_lost_list_of_entries_is_made_anew(tmp_path: Path) -> None:
    archive = Archive.open(str(tmp_path))
    added = [archive.add(month_made(days), slug="weekly") for days in (0, 7)]
    for content in ("", "[]", '[{"name": 1}]'):
        (tmp_path / "entries.json").write_text(content)
        assert archive.list(10) == added[::-1]


def test_without_its_entry_there_is_no_report(tmp_path: Path) -> None:
    archive = Archive.open(str(tmp_path))
    added = archive.add(month(), slug="weekly")
    (tmp_path / "entries" / f"{added.name}.json").unlink()  # as if a process had died before it wrote it
    assert archive.list(10) == []
    assert archive.find(added.name) is None


@pytest.mark.parametrize("name", ["../../etc/passwd", "index", "", "20260512T220431000000Z-..%2f", "a/b", "x" * 300])
def test_names_lead_nowhere_else(tmp_path: Path, name: str) -> None:
    archive = Archive.open(str(tmp_path))
    (tmp_path / "index.html").write_text("secret")
    with pytest.raises(BadInputError, match="no report"):
        archive.read(name, ".html")
    with pytest.raises(BadInputError, match="no plotting library"):
        archive.read_library(name)
    assert not archive.remove(name)
    with pytest.raises(BadInputError, match="the name of a report"):
        archive.add(month(), slug="", name=name or "/")


def test_only_its_own_files_can_be_read(tmp_path: Path) -> None:
    archive = Archive.open(str(tmp_path))
    added = archive.add(month(), slug="weekly")
    with pytest.raises(BadInputError, match=r"allowed: .html, .json, .md"):
        archive.read(added.name, ".exe")


def test_many_at_once_leave_an_index_of_all(tmp_path: Path) -> None:
    archives = [Archive.open(str(tmp_path)) for _ in range(4)]

    def add(number: int) -> None:
        for day in range(3):
            archives[number].add(month_made(day * 4 + number), slug=f"s{number}")

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(archives[0].list(100)) == 12
    assert (tmp_path / "index.html").read_text().count("<li>") == 12
    assert not list(tmp_path.glob("**/*.tmp"))


def test_the_index_leads_to_files_and_runs_nothing(tmp_path: Path) -> None:
    archive = Archive.open(str(tmp_path))
    archive.add(month_made(0, title=f"Weekly {HOSTILE}"), slug="weekly")
    archive.add(month_made(40), slug="monthly")
    page = (tmp_path / "index.html").read_text("utf-8")
    links = Links(page)
    assert "script" not in links.tags
    assert "img" not in links.tags
    assert HOSTILE not in page
    assert len(links.hrefs) == 6
    assert all((tmp_path / href).is_file() for href in links.hrefs)
    assert page.index("monthly.html") < page.index("weekly.html")
    assert page.count("<h2>") == 2  # two months
    assert "2\u00a0reports, the newest first" in page


def test_the_index_says_what_it_leaves_out(tmp_path: Path) -> None:
    from reports.archive_index import index_page

    entry = Archive.open(str(tmp_path)).add(month(), slug="weekly")
    assert "The newest 1\u00a0report of 7" in index_page([entry], total=7)
    assert "There is no report yet" in index_page([], total=0)


def test_slugs_and_places() -> None:
    assert slug_of("Weekly: Überblick & more!") == "weekly-berblick-more"
    assert slug_of("受注") == "report"
    assert slug_of("x" * 200) == "x" * 60
    assert default_location("s3://bucket/lake/") == "s3://bucket/lake/reports"
    assert default_location("s3://bucket/lake?region=eu") == "s3://bucket/lake/reports?region=eu"
    with pytest.raises(BadInputError, match="slug is"):
        name_of(month().generated_at, "Not a slug")
    with pytest.raises(BadInputError, match="report archive"):
        Archive.open("")


@pytest.mark.parametrize("where", ["index", "page", "whole"])
def test_it_opens_from_disk_in_a_browser(chromium: str, tmp_path: Path, where: str) -> None:
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
    from playwright.sync_api import sync_playwright

    archive = Archive.open(str(tmp_path / "site"))
    entry = archive.add(month(), slug="weekly")
    (tmp_path / "whole.html").write_bytes(archive.read_whole(entry.name))
    names = {"index": "site/index.html", "page": f"site/{entry.name}.html", "whole": "whole.html"}
    path = tmp_path / names[where]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        problems: list[str] = []
        for width, scheme in ((390, "dark"), (1000, "light")):
            page = browser.new_page(
                viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
            )
            page.on("console", lambda message: problems.append(message.text))
            page.on("pageerror", lambda error: problems.append(str(error)))
            page.goto(path.as_uri())
            if where != "index":
                page.wait_for_selector(".plot svg", state="attached")  # the library was loaded
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert problems == []
            if where == "index":
                found = Axe().run(page).response["violations"]
                assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
                problems.clear()  # its own script is not let in by the page's policy, which is as it should be
            page.close()
        browser.close()
