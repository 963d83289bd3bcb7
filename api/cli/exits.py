"""From what went wrong to one line on stderr and an exit status. Imports nothing heavy before something failed."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Final

OK: Final = 0
FOUND: Final = 1
USAGE: Final = 2
LAKE: Final = 3
QUERY: Final = 4
SYSTEM: Final = 5
BUG: Final = 70
INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141

DEBUG_VARIABLE: Final = "RUNLAKE_DEBUG"
"""Not empty: errors come with their traceback."""

EXIT_STATUSES: Final[Mapping[int, str]] = {
    OK: "done",
    FOUND: "done, but records were rejected or verify found problems",
    USAGE: "an argument or a setting is wrong",
    LAKE: "the lake is not there, busy or damaged",
    QUERY: "a query failed or ran into its time limit",
    SYSTEM: "a file, the disk or the network refused",
    BUG: f"a fault of runlake itself ({DEBUG_VARIABLE}=1 shows where)",
    INTERRUPTED: "stopped by Ctrl-C",
}
"""What each exit status means; `runlake --help` prints it."""


def status_of(error: BaseException) -> int:
    """The exit status for an error."""
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, BrokenPipeError):
        return PIPE_CLOSED
    from typer import Abort, TyperException

    from warehouse.errors import BadInputError, LakeError, QueryError, RunlakeError

    table: tuple[tuple[type[BaseException], int], ...] = (
        (TyperException, USAGE),
        (BadInputError, USAGE),
        (LakeError, LAKE),
        (QueryError, QUERY),
        (RunlakeError, LAKE),
        (Abort, INTERRUPTED),
        (OSError, SYSTEM),
        (MemoryError, SYSTEM),
    )
    return next((status for kind, status in table if isinstance(error, kind)), BUG)


def explain(error: BaseException, arguments: Sequence[str] = ()) -> str:
    """One line that says what is wrong; no traceback."""
    from typer import TyperException

    if isinstance(error, TyperException):
        return _one_line(error.format_message()).removesuffix(".") + _usage_hint(error, arguments)
    if isinstance(error, OSError) and error.strerror:
        name = f": {error.filename}" if error.filename else ""
        full = error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
        hint = " while writing; make room, or write to another place" if full else ""
        return _one_line(f"{error.strerror}{name}{hint}")
    text = _one_line(str(error)) or type(error).__name__
    if status_of(error) == BUG:
        return f"internal error: {type(error).__name__}: {text}; run again with {DEBUG_VARIABLE}=1 for the details"
    return text


def _usage_hint(error: BaseException, arguments: Sequence[str]) -> str:
    """The value that was given, which the parser does not say, and where to read on."""
    names = getattr(getattr(error, "param", None), "opts", ())
    given = [value for name, value in pairwise(arguments) if name in names]
    given += [one.partition("=")[2] for one in arguments if "=" in one and one.partition("=")[0] in names]
    value = f", got {given[-1]!r}" if given else ""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "runlake"
    return f"{value}; see `{path} --help`"


def report(error: BaseException, arguments: Sequence[str] = (), *, debug: bool) -> int:
    """Tell the user on stderr and return the exit status; silent for Ctrl-C and a closed pipe."""
    status = status_of(error)
    if status == PIPE_CLOSED:
        # Python flushes stdout once more at exit; give it something that accepts it.
        assert sys.__stdout__ is not None
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno())
        return status
    if debug:
        traceback.print_exception(error, file=sys.stderr)
    if status != INTERRUPTED:
        print(f"runlake: {explain(error, arguments)}", file=sys.stderr)
    return status


def _one_line(text: str) -> str:
    return " ".join(text.split())
