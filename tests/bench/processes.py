"""Running processes and timing them from outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a process said, and how long it took."""

    answer: dict[str, Any]
    whole_s: float
    """From before its start to after its end."""

    @property
    def inner_s(self) -> float:
        """What the process itself measured, from its first import on."""
        return float(self.answer["inner_s"])


def child(*arguments: object) -> Ran:
    """One act of tests.bench.child."""
    return python("-m", "tests.bench.child", *map(str, arguments))


def command(*arguments: object) -> Ran:
    """The command `runlake`, as its entry point runs it."""
    return python("-c", "import sys; from api.cli import main; sys.exit(main())", *map(str, arguments))


def python(*arguments: str) -> Ran:
    """A new Python process in the root of the project; its stdout is JSON. Raises when it fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RUNLAKE_")}
    call: Sequence[str] = (sys.executable, *arguments)
    started = time.perf_counter()
    done = subprocess.run(call, cwd=_ROOT, env=environment, capture_output=True, text=True, check=False)
    whole_s = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"{' '.join(call)} ended with {done.returncode}: {done.stderr.strip()}")
    return Ran(json.loads(done.stdout), whole_s)
