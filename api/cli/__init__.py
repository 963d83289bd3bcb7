"""The `runlake` command. `main` is all that is public; the verbs are in the modules beside this one."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (default: the process's own) and return its exit status."""
    from api.cli.run import run

    return run(argv)
