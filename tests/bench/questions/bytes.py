"""How many bytes a narrow execution takes in the lake's Parquet files."""

from __future__ import annotations

from pathlib import Path

from tests.bench.data import BenchData
from tests.bench.model import Bar, Measure
from tests.bench.reference import yardstick_session
from warehouse.lake import Lake

_BAR = Bar("at most", 60)


def run(data: BenchData, runs: int) -> list[Measure]:
    lake = Lake.open(data.lake())
    files = lake.snapshot().files["executions"]
    size_bytes = sum(Path(file.path).stat().st_size for file in files)
    assert size_bytes == sum(file.size_bytes for file in files), "sizes on disk are not those of the log"
    session = yardstick_session()
    try:
        counted = session.rows("SELECT count(id) FROM read_parquet($paths)", {"paths": [file.path for file in files]})
    finally:
        session.close()
        lake.close()
    rows = sum(file.rows for file in files)
    assert counted == [(rows,)], "rows on disk are not those of the log"
    note = f"{rows} executions in {len(files)} files, Bloom filter and all included"
    return [Measure("bytes", "in live files", "bytes", [size_bytes / rows], _BAR, note=note)]
