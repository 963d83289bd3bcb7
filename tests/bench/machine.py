"""Where and with what the figures were taken."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from warehouse.clock import now

_LIBRARIES = ("duckdb", "polars", "pyarrow", "deltalake", "numpy")


def facts() -> dict[str, Any]:
    """Date, processor, cores, memory, load of the last minute, versions."""
    return {
        "date": now().date().isoformat(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "load": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in _LIBRARIES},
    }


def line(found: dict[str, Any]) -> str:
    """The facts as one line of text."""
    versions = ", ".join(f"{name} {found[name]}" for name in ("python", *_LIBRARIES))
    return (
        f"{found['date']}, {found['processor']}, {found['cores']} cores, {found['memory_gb']} GB, {found['system']}, "
        f"load {found['load']}; {versions}"
    )


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for text in cpuinfo.read_text("utf-8").splitlines():
            if text.startswith("model name"):
                return text.partition(":")[2].strip()
    return platform.processor() or "unknown processor"
