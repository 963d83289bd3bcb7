"""One question a module: `run(data, runs)` gives its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.bench.data import BenchData
from tests.bench.model import Measure
from tests.bench.questions import (
    bytes as bytes_,
)
from tests.bench.questions import (
    export,
    http_ingest,
    http_memory,
    http_reads,
    http_statistics,
    ingest,
    ingest_memory,
    lookup,
    report,
    scale,
    start,
    statistics,
    stream,
)


@dataclass(frozen=True, slots=True)
class Question:
    """What can be asked of the benchmarks."""

    run: Callable[[BenchData, int], list[Measure]]
    text: str
    large: bool = False
    """Takes gigabytes and minutes, so it is asked only by name or with --all."""


QUESTIONS: Final[Mapping[str, Question]] = {
    "statistics_30d": Question(
        statistics.thirty_days, "30 days by the hour, warm / one DuckDB query on the same files"
    ),
    "statistics_24h": Question(statistics.one_day, "24 hours by the hour, warm / one DuckDB query on the same files"),
    "report_30d": Question(report.run, "a report of 30 days, warm: model and page; for information"),
    "scale_100m": Question(scale.run, "30 days by the hour, warm, of 10 times the executions / of one time", True),
    "ingest": Question(ingest.run, "NDJSON with nodes and payloads into a lake / DuckDB: read_json to Parquet"),
    "ingest_memory": Question(ingest_memory.run, "peak memory of loading a 4 GB file", True),
    "export": Question(export.run, "all executions to CSV / DuckDB's COPY"),
    "bytes": Question(bytes_.run, "bytes of a narrow execution in Parquet"),
    "start": Question(start.run, "start of a process to its first statistic"),
    "lookup": Question(lookup.run, "one execution by id, the newest failures / DuckDB over all files"),
    "http_detail": Question(http_reads.detail, "HTTP: one execution by a random id / PostgreSQL as n8n has it", True),
    "http_newest_failed": Question(
        http_reads.newest_failed, "HTTP: newest 20 failed with exact total / PostgreSQL as n8n has it", True
    ),
    "http_pages": Question(http_reads.pages, "HTTP: the 1,000th page of a list / the first", True),
    "http_statistics_30d": Question(
        http_statistics.thirty_days, "HTTP: 30 days by the hour / PostgreSQL as n8n has it", True
    ),
    "http_statistics_24h": Question(
        http_statistics.one_day, "HTTP: 24 hours by the hour / PostgreSQL as n8n has it", True
    ),
    "http_ingest": Question(
        http_ingest.run, "HTTP: executions in batches of 1,000, durable / PostgreSQL as n8n has it", True
    ),
    "http_memory": Question(http_memory.run, "HTTP: memory of the server under a mixed load", True),
    "stream": Question(stream.run, "live stream: commit to receipt with many subscribers, the server's memory", True),
}
