"""What the parts of an open hot store share."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

import sqlalchemy as sa

from warehouse.hot.batches import HotBatch, read_batches
from warehouse.hot.database import Database
from warehouse.hot.intents import Hashes, open_intents
from warehouse.hot.tables import hot_clock
from warehouse.lru import Lru
from warehouse.tables import Change, LakeTables

CACHE_BYTES: Final = 64 << 20
"""Encoded batches kept in memory for those who update what was written a moment ago."""


@dataclass(slots=True)
class HotState:
    """The database, this store's name in the lake, and what was read lately."""

    database: Database
    store_id: str
    cache: Lru[int, HotBatch] = field(default_factory=lambda: Lru(CACHE_BYTES))
    _intents: dict[str, Hashes] = field(default_factory=dict)
    _met: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def seal_marker(self) -> str:
        """Name of the lake's marker that carries the number of the newest seal of this store."""
        return f"runlake.seal.{self.store_id}"

    def meet(self, lake: LakeTables) -> None:
        """Once before the first write: let those finish who write to the lake and do not know of this store."""
        if not self._met:
            lake.watch(self.seal_marker)
            lake.change(lambda _: Change(None))
            self._met = True

    def batches(self, connection: sa.Connection, batch_nos: Collection[int]) -> dict[int, HotBatch]:
        """Whole batches, from memory where they were read before (a batch may have lost dead rows since then)."""
        found = {number: batch for number in batch_nos if (batch := self.cache.get(number)) is not None}
        for number, batch in read_batches(connection, [one for one in batch_nos if one not in found]).items():
            self.cache.put(number, batch)
            found[number] = batch
        return found

    def intents(self, connection: sa.Connection) -> list[Hashes]:
        """The claims that are open, each read once."""
        found = open_intents(connection, self._intents)
        with self._lock:
            self._intents = found
        return list(found.values())


def read_store_id(database: Database) -> str:
    """This store's own name, made with its tables."""
    with database.read() as connection:
        found: str = connection.execute(sa.select(hot_clock.c.store_id)).scalar_one()
    return found
