"""Names from the records as a page shows them: on one line, without what is not seen, not too long."""

from __future__ import annotations

from reports import format as fmt

NAME_CHARS = 100
"""Ids may be 10 kB long: in a page that is noise."""
NO_NAME = "(no name)"


def short(text: str | None) -> str | None:
    """A name from the records on one line, without what is not seen, at most NAME_CHARS characters."""
    if text is None:
        return None
    line = " ".join(fmt.clean(text).split())
    return line if len(line) <= NAME_CHARS else line[: NAME_CHARS - 1] + "…"


def name_of(name: str | None, id_: str | None) -> str:
    """What something is called: its name, else its id, else words."""
    return short(name) or short(id_) or NO_NAME
