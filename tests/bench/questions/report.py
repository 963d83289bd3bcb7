"""A report of 30 days, warm: the model and the page, and what the process holds. For information: no yardstick."""

from __future__ import annotations

import time
from datetime import timedelta

import warehouse
from reports.data import make
from reports.render import render
from reports.request import ReportRequest
from tests.bench.data import BenchData, end_of
from tests.bench.model import Measure


def run(data: BenchData, runs: int) -> list[Measure]:
    with warehouse.open(data.lake()) as house:
        end = end_of(house.snapshot())
        taken_s: dict[str, list[float]] = {"same period again": [], "moving on": []}
        for case, step in (("same period again", timedelta(0)), ("moving on", timedelta(seconds=61))):
            for number in range(runs + 1):
                request = ReportRequest(period="30d", until=end - number * step)
                started_s = time.perf_counter()
                render(make(house, request))
                if number:  # the first one warms up
                    taken_s[case].append(time.perf_counter() - started_s)
    return [Measure("report_30d", case, "s", taken) for case, taken in taken_s.items()]
