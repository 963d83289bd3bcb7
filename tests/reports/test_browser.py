"""The page in a real browser: no error, nothing serious for assistive technology, no sideways scrolling, links lead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, sync_playwright

from reports.model import ReportModel
from reports.render import library, render
from tests.reports import golden
from tests.reports.test_page import empty_model, hourly_model

MODELS = {
    "month": golden.month_model,
    "tiny": golden.tiny_model,
    "empty": empty_model,
    "hourly": hourly_model,
}


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()


def written(model: ReportModel, folder: Path) -> str:
    """The address of its page on disk."""
    path = folder / "report.html"
    path.write_text(render(model), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["month", "tiny", "empty", "hourly"])
def test_a_page_has_no_fault(browser: Browser, tmp_path: Path, name: str, width: int, scheme: str) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(written(MODELS[name](), tmp_path))
    drawn = page.locator(".plot").count()
    assert page.locator(".plot .main-svg").count() >= drawn
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []
    assert faults == []
    context.close()


def test_a_page_beside_the_shared_library_draws(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "plotly.js").write_text(library().text, encoding="utf-8")
    (tmp_path / "report.html").write_text(render(golden.month_model(), library_url="plotly.js"), encoding="utf-8")
    page = browser.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto((tmp_path / "report.html").as_uri())
    page.wait_for_selector("#plot-executions .main-svg")
    assert faults == []
    page.close()


def test_numbers_of_long_series_are_filled_when_they_are_asked_for(browser: Browser, tmp_path: Path) -> None:
    model = replace(hourly_model(), public_url="https://runlake.example")
    page = browser.new_page()
    page.goto(written(model, tmp_path))
    page.locator("#executions summary").click()
    rows = page.locator("#executions table tbody tr")
    assert rows.count() == len(model.points)
    address = rows.first.locator("a").get_attribute("href")
    assert address is not None
    assert "startDate" in address
    page.close()


def test_tables_sort_and_unfold_by_keyboard(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page()
    page.goto(written(golden.month_model(), tmp_path))
    head = page.locator("#workflows th", has_text="Executions").locator("button")
    head.focus()
    page.keyboard.press("Enter")
    assert page.locator("#workflows th[aria-sort=descending]").inner_text().startswith("Executions")
    shown = page.locator("#workflows tbody tr:visible").count()
    page.locator("#workflows .more").focus()
    page.keyboard.press("Enter")
    assert page.locator("#workflows tbody tr:visible").count() > shown
    page.close()
