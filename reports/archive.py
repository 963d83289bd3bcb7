"""The archive: a folder or a bucket with every report that was kept, and an index that opens from disk.

    index.html                 all reports, newest first
    <name>.html .json .md      a report: the page, its model, the short text
    library/plotly-<hash>.js   the plotting library; the pages that were made with this version share it
    entries/<name>.json        what the index says of a report; written last: without it there is no report
    entries.json               all entries in one file, so that the index needs one reading; may lack the newest

Readers need no lock. Writers of a folder on this disk take turns; on a bucket two that write at once may leave an
index that lacks one report until the next one is added, while `list` has both.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from reports import archive_entry as entry_of
from reports.archive_entry import ArchivedReport
from reports.archive_index import INDEX_MAX, index_page
from reports.archive_names import NAME, checked_name, default_location, name_of, slug_of
from reports.model import ReportModel, to_json
from warehouse.clock import now
from warehouse.errors import BadInputError
from warehouse.storage import Location

__all__ = ["SUFFIXES", "Archive", "ArchivedReport", "default_location", "name_of", "slug_of"]

SUFFIXES: Final = (".html", ".json", ".md")
MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
_TAG: Final = re.compile(rb'<script[^>]* src="library/plotly-[0-9a-f]{16}\.js"[^>]*></script>')
_LIBRARY: Final = re.compile(r"plotly-[0-9a-f]{16}\.js")
_ENTRIES: Final = "entries"
_ALL: Final = "entries.json"
_READERS: Final = 16


class Archive:
    """An archive of reports. Safe to share between threads; any number of processes may read and write it."""

    def __init__(self, location: Location) -> None:
        self._files = location

    @classmethod
    def open(cls, location: str) -> Archive:
        """The archive in a folder, or below a URI such as s3://bucket/prefix. Nothing is made or read yet.

        Raises BadInputError where such a place cannot be.
        """
        return cls(Location(location, "report archive"))

    @property
    def location(self) -> str:
        """Where it lies."""
        return self._files.uri

    def add(
        self,
        model: ReportModel,
        *,
        slug: str,
        name: str | None = None,
    ) -> ArchivedReport:
        """Keep a report, and renew the index.

        `slug`: the end of its name, see `slug_of`. `name`: the whole name (`slug` is not looked at), of a report that
        is perhaps there already; the same model makes the same files, so that doing it twice is once.
        Cost: rendering, and four small files (the first one also 5 MB of plotting library).
        Raises BadInputError for a slug or name that cannot be, OSError.
        """
        from reports.markdown import to_markdown  # what only writers need is loaded for writers only
        from reports.render import library, render

        name = checked_name(name or name_of(model.generated_at, slug))
        script = library().text.encode()
        script_name = f"plotly-{hashlib.sha256(script).hexdigest()[:16]}.js"
        contents = {
            ".md": to_markdown(model).encode(),
            ".json": to_json(model),
            ".html": render(model, library_url=f"library/{script_name}").encode(),
        }
        entry = ArchivedReport(
            name=name,
            title=model.title,
            kind=model.kind,
            since=model.since,
            until=model.until,
            timezone=model.timezone,
            generated_at=model.generated_at,
            tone=model.verdict.tone,
            verdict=model.verdict.text,
            size_bytes=sum(map(len, contents.values())),
            suffixes=SUFFIXES,
            workflow_ids=tuple(sorted(model.selection.workflow_ids)),
            library=script_name,
        )
        with self._alone():
            if script_name not in self._files.names("library"):
                self._put(f"library/{script_name}", script)
            for suffix, content in contents.items():
                self._put(f"{name}{suffix}", content)
            self._put(f"{_ENTRIES}/{name}.json", entry_of.to_json(entry))
            self._renew_index(entry)
        return entry

    def list(
        self, limit: int, before: str | None = None, *, workflow_ids: Collection[str] | None = None
    ) -> list[ArchivedReport]:
        """At most `limit` reports, newest first; with `before` only those older than the report of that name.

        `workflow_ids`: only reports about nothing but these. Cost: one listing and one file, and one small file for
        each report that was added by somebody else since.
        """
        found = (one for one in self._entries() if before is None or one.name < before)
        return list(islice((one for one in found if one.visible_to(workflow_ids)), limit))

    def find(self, name: str) -> ArchivedReport | None:
        """The report of that name. None: there is none."""
        if not NAME.fullmatch(name):
            return None
        try:
            return entry_of.from_json(self._files.read(f"{_ENTRIES}/{name}.json"))
        except (FileNotFoundError, msgspec.MsgspecError):
            return None

    def read(self, name: str, suffix: str) -> bytes:
        """One of a report's files. Raises BadInputError where there is no such report, or it has no such file."""
        if suffix not in SUFFIXES:
            raise BadInputError(
                f"a report has no file {suffix[:20]!r}; allowed: {', '.join(SUFFIXES)}", field="suffix", value=suffix
            )
        if self.find(name) is None:
            raise _missing(name)
        try:
            return self._files.read(f"{name}{suffix}")
        except FileNotFoundError:  # it was removed between the two readings
            raise _missing(name) from None

    def read_whole(self, name: str) -> bytes:
        """A report's page with the plotting library inside: one file. Raises BadInputError as `read` does."""
        page = self.read(name, ".html")
        entry = self.find(name)
        tag = _TAG.search(page)
        if tag is None or entry is None or not entry.library:
            return page
        return page[: tag.start()] + b"<script>" + self.read_library(entry.library) + b"</script>" + page[tag.end() :]

    def read_library(self, name: str) -> bytes:
        """The plotting library that pages load. Raises BadInputError where there is none of that name."""
        if not _LIBRARY.fullmatch(name):
            raise BadInputError(f"there is no plotting library {name[:100]!r}", field="name", value=name)
        try:
            return self._files.read(f"library/{name}")
        except FileNotFoundError:
            raise BadInputError(f"there is no plotting library {name!r}", field="name", value=name) from None

    def remove(self, name: str) -> bool:
        """Take a report away, with the plotting library that no other needs; whether there was one."""
        if not NAME.fullmatch(name) or self.find(name) is None:
            return False
        with self._alone():
            self._drop([name])
            self._renew_index()
        return True

    def retain(self, days: float | None = None, count: int | None = None) -> int:
        """Remove what was made more than `days` ago or is beyond the `count` newest; how many. None or 0: no limit."""
        entries = list(self._entries())
        oldest_at = None if not days else now() - timedelta(days=days)
        gone = [
            one.name
            for place, one in enumerate(entries)
            if (count and place >= count) or (oldest_at is not None and one.generated_at < oldest_at)
        ]
        if gone:
            with self._alone():
                self._drop(gone)
                self._renew_index()
        return len(gone)

    def _put(self, name: str, content: bytes) -> None:
        self._files.replace(name, content, MEDIA_TYPES[Path(name).suffix])

    def _drop(self, names: Collection[str]) -> None:
        """The entry goes first: a report that is half removed is none."""
        for name in names:
            with suppress(FileNotFoundError):
                self._files.remove(f"{_ENTRIES}/{name}.json")
            for suffix in SUFFIXES:
                with suppress(FileNotFoundError):
                    self._files.remove(f"{name}{suffix}")
        used = {one.library for one in self._entries()}
        for script in self._files.names("library"):
            if _LIBRARY.fullmatch(script) and script not in used:
                with suppress(FileNotFoundError):
                    self._files.remove(f"library/{script}")

    def _entries(self) -> Iterator[ArchivedReport]:
        """All entries, newest first."""
        names = [name.removesuffix(".json") for name in self._files.names(_ENTRIES)]
        wanted = sorted((name for name in names if NAME.fullmatch(name)), reverse=True)
        known: dict[str, ArchivedReport] = {}
        with suppress(FileNotFoundError, msgspec.MsgspecError):
            known = {one.name: one for one in entry_of.list_from_json(self._files.read(_ALL))}
        lacking = [name for name in wanted if name not in known]
        if lacking:
            with ThreadPoolExecutor(_READERS) as readers:
                known |= {one.name: one for one in readers.map(self.find, lacking) if one is not None}
        yield from (known[name] for name in wanted if name in known)

    def _renew_index(self, written: ArchivedReport | None = None) -> None:
        entries = [written if written and one.name == written.name else one for one in self._entries()]
        self._put(_ALL, entry_of.list_to_json(entries))
        self._put("index.html", index_page(entries[:INDEX_MAX], total=len(entries)).encode())

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer at a time on this disk."""
        folder: Path | None = self._files.local
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        with nullcontext() if folder is None else (folder / ".lock").open("w") as lock:
            if lock is not None:
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _missing(name: str) -> BadInputError:
    return BadInputError(f"there is no report {name[:100]!r} in the archive; it may have been removed", field="name")
