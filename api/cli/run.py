"""The frame around every verb: parse, run, one line when it fails, an exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

from api.cli.exits import DEBUG_VARIABLE, report


def run(argv: Sequence[str] | None = None) -> int:
    """Run one verb; never raises, returns the exit status."""
    from api.cli.app import command

    arguments = list(sys.argv[1:] if argv is None else argv) or ["--help"]
    _lenient_streams()
    try:
        status: Any = command().main(arguments, prog_name="runlake", standalone_mode=False)
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the last frame: everything becomes a status
        return report(error, arguments, debug=bool(os.environ.get(DEBUG_VARIABLE)) or "--debug" in arguments)
    except SystemExit as stop:  # how typer ends on a closed pipe, whatever it was asked
        if isinstance(stop.__context__, BrokenPipeError):
            return report(stop.__context__, arguments, debug=False)
        raise
    return status if isinstance(status, int) else 0


def _lenient_streams() -> None:
    """A name that the terminal's encoding cannot show must not stop the answer."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
