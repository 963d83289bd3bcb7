"""Every page in a browser: at both widths, light and dark, without a fault, without overflow, fit for everybody."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

import warehouse
from reports.archive import Archive, default_location
from reports.data import make
from reports.request import ReportRequest
from tests.api.pages.browser import WIDTHS, Visit, visiting
from tests.api.pages.conftest import Server
from tests.api.pages.sample import SHOWN_HOSTILE

PAGES = (
    "/",
    "/executions",
    "/executions?filter[status]=failed&filter[error]=e&filter[mode]=webhook",
    "/executions/exec_failed",
    "/reports",
    "/workflows/wf_1",
    "/login",
)


@pytest.fixture(scope="module")
def stored(server: Server) -> str:
    """Name of a report in the archive."""
    lake = str(server.process.lake)
    with warehouse.open(lake) as house:
        model = make(house, ReportRequest(public_url=server.url, period="30d"))
    return Archive.open(default_location(lake)).add(model, slug="weekly").name


@pytest.fixture(scope="module", params=[(1280, "light"), (390, "light"), (1280, "dark")])
def visit(request: pytest.FixtureRequest, browser: Browser, server: Server, stored: str) -> Iterator[Visit]:
    assert stored
    width, scheme = request.param
    with visiting(
        browser, server.url, width=width, scheme=scheme, token=server.token, reduced_motion="reduce"
    ) as visit:
        yield visit


def test_pages_are_whole_and_fit_for_everybody(visit: Visit) -> None:
    for path in PAGES:
        visit.open(path)
        visit.page.evaluate("for (const one of [...document.querySelectorAll('details')].slice(0, 6)) one.open = true")
        visit.page.locator("[aria-busy]").first.wait_for(state="detached")
        assert visit.overflow() == [], path
        assert visit.complaints() == [], path
        assert visit.page.locator("h1, h2").first.is_visible()
        assert visit.unexpected() == [], path


def test_a_page_that_is_not_there_says_so(browser: Browser, server: Server) -> None:
    for width in WIDTHS:
        with visiting(browser, server.url, width=width, token=server.token) as visit:
            visit.expected.append("404 (Not Found)")
            for path in ("/nothing", "/executions/nope"):
                visit.open(path)
                assert visit.page.get_by_role("heading", name="There is nothing here").is_visible()
                assert visit.complaints() == []
                assert visit.overflow() == []


def test_a_stored_report_runs_in_a_sandbox_of_its_own(browser: Browser, server: Server, stored: str) -> None:
    with visiting(browser, server.url, token=server.token) as visit:
        visit.open("/reports")
        visit.page.locator(f'a[href="/reports/{stored}"]').click()
        visit.page.wait_for_url(f"{server.url}/reports/{stored}")
        visit.page.wait_for_selector(".plot .main-svg")
        assert visit.page.evaluate("origin") == "null"
        # Its links lead to the lists, with the session: going there is the reader's own doing.
        link = visit.page.locator('a[href*="/executions?"]:visible').first
        link.click()
        visit.page.wait_for_url(f"{server.url}/executions?*")
        assert visit.page.get_by_role("heading", name="Executions", exact=True).is_visible()


def test_a_report_is_made_and_deleted_from_the_archive(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url, token=server.token, width=390) as visit:
        page = visit.page
        before = page.locator(".archive li").count()
        page.get_by_label("Make a report of").select_option("30d")
        page.get_by_label("About").select_option("wf_2")
        page.get_by_role("button", name="Make it").click()
        page.locator("#notice", has_text="Made: ").wait_for()
        assert page.locator(".archive li").count() == before + 1
        newest = page.locator(".archive li").first
        name = newest.get_attribute("data-name")
        assert server.client.get(f"/v1/reports/{name}").found()["workflowId"] == ["wf_2"]
        newest.get_by_role("button", name="Delete").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete it").click()
        page.locator("#notice", has_text="was deleted").wait_for()
        assert page.locator(f'[data-name="{name}"]').count() == 0


def test_a_click_on_a_chart_leads_to_the_list_that_it_counts(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url, token=server.token, reduced_motion="reduce") as visit:
        page = visit.page
        visit.open("/?period=7d")
        bars = page.locator("#plot-executions .barlayer .point path")
        bars.first.wait_for(state="attached")
        page.evaluate("document.getElementById('plot-executions').scrollIntoView({block: 'center'})")
        tallest = max((box for bar in bars.all() if (box := bar.bounding_box())), key=lambda box: box["height"])
        page.mouse.move(tallest["x"] + tallest["width"] / 2, tallest["y"] + tallest["height"] / 2, steps=3)
        page.locator("#plot-executions .hoverlayer > *").first.wait_for(state="attached")
        page.mouse.down()
        page.mouse.up()
        page.wait_for_url(re.compile(r"/executions\?.*startDate"))
        assert page.locator("#tally b").inner_text().split("\u00a0")[0] != "0"


def test_hostile_names_are_text(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url, token=server.token) as visit:
        visit.page.on("dialog", lambda one: visit.faults.append(f"a dialog: {one.message}"))
        visit.open("/executions/exec_failed")
        assert visit.page.locator("h1").inner_text() == SHOWN_HOSTILE
        hook = visit.page.locator("details.lane").first
        hook.locator("summary").click()
        hook.locator("pre").nth(1).wait_for()
        assert "<i>hello</i>" in hook.locator("pre").nth(1).inner_text()
        assert visit.page.locator("img, i").count() == 0


def test_everything_can_be_read_without_scripts(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url, token=server.token, java_script_enabled=False) as visit:
        visit.open("/executions/exec_failed")
        text = visit.page.locator("main").inner_text()
        assert "connect ECONNREFUSED" in text
        assert "Write" in text
        assert visit.page.locator("[data-do]:visible").count() == 0
        visit.page.locator("details.lane > summary").first.click()
        assert visit.page.get_by_role("link", name="What it got and gave, as JSON").first.is_visible()
        visit.open("/executions")
        visit.page.get_by_label("Error text").fill("econnrefused")
        visit.page.get_by_role("button", name="Apply").click()
        visit.page.wait_for_url(re.compile(r"filter(\[|%5B)error(\]|%5D)=econnrefused$"))
        assert visit.page.locator(".row").count() == 1


def test_a_page_can_be_used_with_the_keyboard_alone(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url, token=server.token) as visit:
        visit.open("/executions?filter[status]=failed")
        page = visit.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        page.keyboard.press("Enter")
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.className") == "go":
                break
        page.keyboard.press("Enter")
        page.wait_for_url(f"{server.url}/executions/exec_failed")
        for _ in range(40):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.parentElement.className").startswith("lane"):
                break
        page.keyboard.press("Enter")
        page.locator("details.lane[open] pre").first.wait_for()
        page.get_by_role("button", name="Retry…").focus()
        page.keyboard.press("Enter")
        page.get_by_role("dialog").wait_for()
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="hidden")
        assert page.evaluate("document.activeElement.textContent") == "Retry…"
