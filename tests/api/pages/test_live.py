"""Pages while things happen: what runs grows, what is new is announced, buttons do what they say."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from playwright.sync_api import Browser, Page

from tests.api.pages.browser import PATIENCE_MS, visiting
from tests.api.pages.conftest import Server
from tests.api.pages.sample import ended, running
from tests.api.records import text
from warehouse.clock import now


def post(server: Server, *records: dict[str, Any]) -> None:
    answer = server.client.post("/v1/executions", json.dumps(records).encode())
    assert answer.status in (200, 201), answer.body


def listening(page: Page) -> None:
    page.locator("#pulse.live").wait_for()


def begun(server: Server, id: str, **more: Any) -> dict[str, Any]:
    """A new execution that runs since three seconds."""
    one = running(id, now() - timedelta(seconds=3), **more)
    post(server, one)
    return one


def status_at(server: Server, id: str) -> str:
    status: str = server.client.get(f"/v1/executions/{id}").found()["status"]
    return status


def test_the_list_announces_what_is_new_and_renews_what_it_shows(browser: Browser, server: Server) -> None:
    shown = begun(server, "list_shown")
    with visiting(browser, server.url, token=server.token) as visit:
        visit.open("/executions")
        page = visit.page
        listening(page)
        row = page.locator("#row-exec_list_shown")
        assert row.locator(".chip").inner_text() == "Running"
        first = page.locator("#rows li").first.get_attribute("id")
        link = page.locator("#rows a.go").nth(3)
        link.focus()
        begun(server, "list_new_1")
        begun(server, "list_new_2")
        post(server, ended(shown, now(), "failed"))
        page.get_by_role("link", name="Show 2 new").wait_for()
        row.locator(".chip.failed").wait_for()
        # Nothing moved under the reader, and the focus is where it was.
        assert page.locator("#rows li").first.get_attribute("id") == first
        assert page.locator("#row-exec_list_new_1").count() == 0
        assert link.evaluate("(node) => node === document.activeElement")
        page.get_by_role("link", name="Show 2 new").click()
        page.locator("#row-exec_list_new_2").wait_for()


def test_a_running_execution_grows_and_ends_before_the_readers_eyes(browser: Browser, server: Server) -> None:
    one = begun(server, "grows")
    with visiting(browser, server.url, token=server.token) as visit:
        visit.open("/executions/exec_grows")
        page = visit.page
        listening(page)
        bar = page.locator("rect.running")
        width = float(str(bar.get_attribute("width")).rstrip("%"))
        took = page.locator("#head [data-since]").inner_text()
        page.locator(f'#head [data-since]:not(:text-is("{took}"))').wait_for()
        grown = float(str(bar.get_attribute("width")).rstrip("%"))
        assert grown != width
        assert page.get_by_role("button", name="Cancel…").is_visible()
        lane = page.locator("details.lane").first
        lane.locator("summary").click()
        post(server, ended(one, now(), "failed"))
        page.locator("#head .chip.failed").wait_for()
        assert page.locator("rect.running").count() == 0
        assert page.title().startswith("Failed")
        # What was open and focused still is; the buttons are those of its new state.
        assert lane.get_attribute("open") is not None
        assert lane.locator("summary").evaluate("(node) => node === document.activeElement")
        assert page.get_by_role("button", name="Cancel…").count() == 0
        assert page.get_by_role("button", name="Retry…").is_visible()
        assert "It is now: Failed" in page.locator("#notice").inner_text()


def test_the_overview_shows_what_runs_and_fails_now(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url, token=server.token) as visit:
        visit.open("/")
        page = visit.page
        listening(page)
        page.evaluate("window.scrollTo(0, 600)")
        summary = page.locator("#report details > summary").first
        summary.focus()
        page.keyboard.press("Enter")
        one = begun(server, "seen_now", workflowName="Seen just now")
        page.locator("[data-id=exec_seen_now] .chip.running").wait_for()
        post(server, ended(one, now(), "failed"))
        page.locator("[data-id=exec_seen_now] .chip.failed").wait_for()
        assert page.evaluate("window.scrollY") > 300
        # The numbers follow; the details that were opened stay open, the focus in them.
        page.locator("#report", has_text="Seen just now").wait_for(timeout=3 * PATIENCE_MS)
        assert summary.evaluate("(node) => node.parentElement.open && node === document.activeElement")
        assert page.locator("#report .plot .main-svg").count() > 0


def test_cancel_asks_first_and_then_does_it(browser: Browser, server: Server) -> None:
    begun(server, "to_cancel")
    with visiting(browser, server.url, token=server.token, width=390) as visit:
        visit.open("/executions/exec_to_cancel")
        page = visit.page
        page.get_by_role("button", name="Cancel…").click()
        dialog = page.get_by_role("dialog", name="Cancel this execution?")
        dialog.get_by_role("button", name="Keep it as it is").click()
        dialog.wait_for(state="hidden")
        assert status_at(server, "exec_to_cancel") == "running"
        page.get_by_role("button", name="Cancel…").click()
        assert visit.complaints() == []
        dialog.get_by_role("button", name="Cancel it").click()
        page.locator("#head .chip.cancelled").wait_for()
        assert status_at(server, "exec_to_cancel") == "cancelled"


def test_retry_from_a_node_leads_to_the_new_execution(browser: Browser, server: Server) -> None:
    with visiting(browser, server.url, token=server.token) as visit:
        visit.open("/executions/exec_failed")
        page = visit.page
        lane = page.locator("details.lane.failed")
        lane.locator("summary").click()
        lane.get_by_role("button", name="Retry from here…").click()
        page.get_by_role("dialog", name="Retry from Write?").get_by_role("button", name="Retry", exact=True).click()
        page.locator("#head .chip.queued").wait_for()
        made = page.url.rpartition("/")[2]
        assert server.client.get(f"/v1/executions/{made}").found()["retryOf"] == "exec_failed"
        commands = server.client.get("/v1/commands").found()
        assert [one for one in commands["commands"] if one["executionId"] == made and one["fromNode"] == "n_write"]
        assert "queued" in page.locator("#notice").inner_text()
        assert page.locator(".attempts li").count() == 3


def test_what_cannot_be_done_is_said_where_it_was_asked(browser: Browser, server: Server) -> None:
    one = begun(server, "too_late")
    with visiting(browser, server.url, token=server.token) as visit:
        visit.expected.append("409 (Conflict)")
        visit.open("/executions/exec_too_late")
        page = visit.page
        page.get_by_role("button", name="Cancel…").click()
        post(server, ended(one, now()))
        page.get_by_role("button", name="Cancel it").click()
        page.get_by_role("alert").filter(has_text="Cannot cancel execution that is already completed").wait_for()


def test_delete_leads_back_to_the_list(browser: Browser, server: Server) -> None:
    post(server, ended(running("to_delete", now() - timedelta(seconds=3)), now()))
    with visiting(browser, server.url, token=server.token) as visit:
        visit.open("/executions/exec_to_delete")
        page = visit.page
        page.get_by_role("button", name="Delete…").click()
        page.get_by_role("button", name="Delete it").click()
        page.wait_for_url(f"{server.url}/executions")
        assert "exec_to_delete was deleted" in page.locator("#notice").inner_text()
        assert server.client.get("/v1/executions/exec_to_delete").status == 404


def test_a_session_that_ended_is_said(browser: Browser, server: Server) -> None:
    begun(server, "signed_out")
    with visiting(browser, server.url, token=server.token) as visit:
        visit.open("/executions/exec_signed_out")
        visit.expected.append("401 (Unauthorized)")
        listening(visit.page)
        visit.page.context.clear_cookies()
        begun(server, "signed_out", updatedAt=text(now()), workflowName="Other")
        visit.page.locator("#notice", has_text="Your session is over").wait_for()
        visit.page.get_by_role("button", name="Cancel…").click()
        visit.page.get_by_role("button", name="Cancel it").click()
        visit.page.get_by_role("alert").filter(has_text="sign in at /login").wait_for()
        assert status_at(server, "exec_signed_out") == "running"
