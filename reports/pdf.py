"""A page as PDF, printed by a Chromium that is on the machine."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from warehouse.errors import BadInputError

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
_FLAGS: Final = (
    "--headless=new",
    "--no-sandbox",  # it prints one page of ours, from disk, that may fetch nothing
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pdf-header-footer",
    "--virtual-time-budget=10000",  # until the charts are drawn, in the page's own time
)
TIME_LIMIT_S: Final = 120.0


def find_browser() -> str | None:
    """The program of a Chromium on this machine. None: there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


def to_pdf(html: str, browser: str | None) -> bytes:
    """The page as a PDF.

    Args:
        html: a page with everything inside, as `render(model)` gives it.
        browser: what find_browser found.

    Raises BadInputError when there is no browser or it does not print. Takes two seconds or so.
    """
    if browser is None:
        raise BadInputError(
            "a PDF is printed by a Chromium, and none was found; install chromium (Debian: apt-get install chromium), "
            "or ask for html",
            field="format",
            value="pdf",
        )
    with tempfile.TemporaryDirectory(prefix="runlake-pdf-", ignore_cleanup_errors=True) as folder:
        page, target = Path(folder, "report.html"), Path(folder, "report.pdf")
        page.write_text(html, encoding="utf-8")
        command = [browser, *_FLAGS, f"--user-data-dir={folder}/profile", f"--print-to-pdf={target}", page.as_uri()]
        try:
            subprocess.run(command, capture_output=True, timeout=TIME_LIMIT_S, check=True)
            return target.read_bytes()
        except (OSError, subprocess.SubprocessError) as error:
            raise BadInputError(
                f"{Path(browser).name} did not print the page ({type(error).__name__}); ask for html, or try again",
                field="format",
                value="pdf",
            ) from error
