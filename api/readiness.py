"""Whether this server can work, and what it holds: for /readyz and /metrics."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

from api.metrics import Holdings
from warehouse import Warehouse
from warehouse.clock import now
from warehouse.errors import RunlakeError
from warehouse.hot.probe import prove_writable
from warehouse.hot.store import HotStore
from warehouse.schema import TABLES

BELIEVED_S: Final = 1.0
"""How long an answer is good: whoever asks often must not make the server write often."""
_LOG: Final = logging.getLogger("runlake.readiness")


class Readiness:
    """Looks at the lake, the hot store and the sealer of one server process."""

    def __init__(self, house: Warehouse, hot: HotStore, seals: Callable[[], bool]) -> None:
        """`seals`: whether the sealer of this process is at work (or waits its turn)."""
        self._house = house
        self._hot = hot
        self._seals = seals
        self._lock = threading.Lock()
        self._last: tuple[float, Mapping[str, str]] | None = None

    def check(self) -> Mapping[str, str]:
        """`ok` or `failing` of each part; at most a second old. Costs a small durable write."""
        with self._lock:
            if self._last is None or time.monotonic() - self._last[0] >= BELIEVED_S:
                self._last = (time.monotonic(), self._look())
            return self._last[1]

    def holdings(self) -> Holdings:
        """What lies in both tiers now. Raises what looking raises."""
        hot, snapshot = self._hot.gauges(), self._house.lake.snapshot()
        oldest_at = hot.oldest_unsealed_at
        return Holdings(
            hot_executions=hot.rows,
            hot_unfinished=hot.unfinished,
            oldest_unsealed_s=0.0 if oldest_at is None else max((now() - oldest_at).total_seconds(), 0.0),
            lake_version=snapshot.version,
            lake={
                table: (
                    len(snapshot.files[table]),
                    snapshot.rows(table),
                    sum(file.size_bytes for file in snapshot.files[table]),
                )
                for table in TABLES
            },
        )

    def _look(self) -> Mapping[str, str]:
        parts: dict[str, Callable[[], object]] = {
            "lake": self._house.lake.snapshot,
            "hotStore": lambda: prove_writable(self._hot.database),
        }
        found = {name: "ok" if _works(name, part) else "failing" for name, part in parts.items()}
        return found | {"sealer": "ok" if self._seals() else "failing"}


def _works(name: str, part: Callable[[], object]) -> bool:
    try:
        part()
    except (RunlakeError, OSError) as error:
        _LOG.error("%s is not ready: %s: %s", name, type(error).__name__, error)
        return False
    return True
