"""`python -m tests.bench [NAME…]`: ask the benchmarks, print the table.

Exit status: 0 all bars kept, 1 a bar missed, 2 a wrong argument. A result that is not equal raises.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench import machine, show
from tests.bench.data import BenchData, say
from tests.bench.model import Measure
from tests.bench.questions import QUESTIONS


def main(argv: Sequence[str] | None = None) -> int:
    asked = _arguments(argv)
    if asked.list:
        for name, question in QUESTIONS.items():
            print(f"{name:<16} {question.text}{' (by name or with --all)' if question.large else ''}")
        return 0
    data = BenchData(
        asked.data,
        asked.executions,
        given_lake=asked.lake,
        memory_requests=asked.memory_requests,
        stream_subscribers=asked.stream_subscribers,
        stream_events_per_s=asked.stream_events,
        stream_seconds=asked.stream_seconds,
    )
    names = asked.names or [name for name, question in QUESTIONS.items() if asked.all or not question.large]
    facts = machine.facts()
    measures: list[Measure] = []
    for name in names:
        say(f"{name}: {QUESTIONS[name].text}")
        started = time.perf_counter()
        found = QUESTIONS[name].run(data, asked.runs)
        say(f"{name} took {time.perf_counter() - started:.0f} s")
        print(show.table(found), file=sys.stderr, flush=True)
        measures += found
    print(f"{machine.line(facts)}\n\n{show.table(measures)}\n\n{show.notes(measures)}")
    if asked.json is not None:
        document = {"machine": facts, "measures": [measure.to_json() for measure in measures]}
        asked.json.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
    return 1 if any(measure.kept is False for measure in measures) else 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Ask the benchmarks.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="questions to ask, see --list (default: the small ones)"
    )
    parser.add_argument("--all", action="store_true", help="ask the large ones too: 15 GB of disk, half an hour")
    parser.add_argument("--data", type=Path, default=Path("bench-data"), help="folder of the test data (%(default)s)")
    parser.add_argument("--lake", type=Path, help="a generated lake to use instead of making one")
    parser.add_argument("--executions", type=_positive, default=10_000_000, help="size of the lake (%(default)s)")
    parser.add_argument(
        "--memory-requests", type=_positive, default=20_000, help="requests of http_memory (%(default)s)"
    )
    parser.add_argument("--stream-subscribers", type=_positive, default=1_000, help="of stream (%(default)s)")
    parser.add_argument("--stream-events", type=_positive, default=500, help="of stream, a second (%(default)s)")
    parser.add_argument("--stream-seconds", type=_positive, default=20, help="of stream, each case (%(default)s)")
    parser.add_argument("--runs", type=_positive, default=7, help="runs of each, export at most 3 (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write machine, figures and all runs to this file")
    parser.add_argument("--list", action="store_true", help="say what can be asked")
    asked = parser.parse_args(argv)
    unknown = [name for name in asked.names if name not in QUESTIONS]
    if unknown:
        parser.error(f"unknown question {unknown[0]!r}; allowed: {', '.join(QUESTIONS)}")
    return asked


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    sys.exit(main())
