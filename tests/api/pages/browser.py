"""A browser of the tests that minds everything: errors in the console, of scripts and of policies fail the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, sync_playwright

WIDTHS: Final = (1280, 390)
PATIENCE_MS: Final = 60_000
_FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")

_WIDER: Final = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  const cut = (one) => getComputedStyle(one).overflowX !== 'visible';
  const inside = (one) => { while ((one = one.parentElement)) if (cut(one)) return true; };
  const all = [...document.querySelectorAll('body *')];
  const found = all.filter((one) => one.getBoundingClientRect().right > wide + 1 && !inside(one));
  return ['the page', ...found.map((one) => one.outerHTML.slice(0, 200))];
}"""


@contextmanager
def opened_browser(program: str) -> Iterator[Browser]:
    """One browser process."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """One window of somebody who has signed in."""

    def __init__(self, page: Page, base_url: str) -> None:
        self.page = page
        self._base_url = base_url
        self.faults: list[str] = []
        self.expected: list[str] = []
        """Parts of faults that the test means to cause."""
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda one: self.faults.append(one.text) if one.type in ("error", "warning") else None)
        page.on("pageerror", lambda one: self.faults.append(str(one)))

    def open(self, path: str) -> None:
        """Go there, and wait until its scripts have run."""
        self.page.goto(self._base_url + path, wait_until="load")

    def unexpected(self) -> list[str]:
        return [one for one in self.faults if not any(part in one for part in self.expected)]

    def complaints(self) -> list[str]:
        """What axe finds that is serious or critical."""
        found: dict[str, Any] = Axe().run(self.page).response
        return [
            f"{one['id']}: {one['help']}: {[node['html'][:150] for node in one['nodes'][:3]]}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]

    def overflow(self) -> list[str]:
        """What makes the page wider than the window."""
        found: list[str] = self.page.evaluate(_WIDER)
        return found


@contextmanager
def visiting(
    browser: Browser, base_url: str, *, width: int = 1280, scheme: Any = "light", token: str | None = None, **more: Any
) -> Iterator[Visit]:
    """A window; `token`: signed in with it, by the form. Faults of the pages fail the test at the end."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **more)
    try:
        visit = Visit(context.new_page(), base_url)
        if token is not None:
            visit.open("/login?next=/reports")
            visit.page.get_by_label("Token").fill(token)
            visit.page.get_by_role("button", name="Sign in").click()
            visit.page.wait_for_url(f"{base_url}/reports")
        yield visit
        assert not visit.unexpected(), visit.unexpected()
    finally:
        context.close()
