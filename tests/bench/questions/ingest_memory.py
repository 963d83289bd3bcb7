"""The most memory that loading a file of 4 GB takes, in a process of its own."""

from __future__ import annotations

from tests.bench.data import BenchData, remove
from tests.bench.model import Bar, Measure
from tests.bench.processes import child

_BAR = Bar("at most", 1.5)


def run(data: BenchData, runs: int) -> list[Measure]:
    file = data.memory_file().resolve()
    with file.open("rb") as lines:
        records = sum(chunk.count(b"\n") for chunk in iter(lambda: lines.read(1 << 24), b""))
    lake = data.scratch("memory-lake").resolve()
    try:
        ran = child("load", file, lake)
    finally:
        remove(lake)
    assert (ran.answer["new"], ran.answer["rejected"]) == (records, 0)
    size_gb = file.stat().st_size / 1e9
    note = f"{records} records, {size_gb:.2f} GB in {ran.whole_s:.0f} s ({size_gb * 1000 / ran.whole_s:.0f} MB/s)"
    peak_gb = ran.answer["peak_bytes"] / 1e9
    return [Measure("ingest_memory", f"{size_gb:.1f} GB file", "GB", [peak_gb], _BAR, [ran.whole_s], note=note)]
