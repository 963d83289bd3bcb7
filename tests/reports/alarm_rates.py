"""How often the test for regressions is wrong, on executions generated with and without planted ones.

`python -m tests.reports.alarm_rates [REPORTS]` prints the rates (some 20 s for the default). A generated report has
WORKFLOWS workflows over four weeks and a period of 7 or 30 days, in blocks of 6 hours. Durations are log-normal around
a level that goes up and down with the hour of the day and the weekday, drifts with autocorrelated load (r = 0.6 from
block to block) and has outlying blocks; traffic has cycles too.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from reports.regressions import Blocks, Shift, find

WORKFLOWS = 40
BLOCKS_A_DAY = 4
BASELINE_DAYS = 28


@dataclass(frozen=True, slots=True)
class Case:
    """One way of generating reports."""

    days: int
    """Of the period."""
    factor: float
    """By how much one workflow becomes slower; 1: none does."""
    last_days: int = 0
    """How long before the end of the period."""


CASES = (
    Case(7, 1.0),
    Case(30, 1.0),
    *(Case(7, factor, 3) for factor in (1.3, 1.5, 2.0)),
    *(Case(30, factor, 7) for factor in (1.2, 1.3, 1.5)),
    *(Case(30, factor, 14) for factor in (1.2, 1.3)),
)


def generate(random: np.random.Generator, case: Case) -> tuple[list[Blocks], int, list[int]]:
    """The workflows of one report, its first block of the period, the hours of the week of its blocks."""
    first = BASELINE_DAYS * BLOCKS_A_DAY
    number = first + case.days * BLOCKS_A_DAY
    time = np.arange(number)
    slots = (time % (7 * BLOCKS_A_DAY)).tolist()
    workflows = []
    for place in range(WORKFLOWS):
        daily = random.uniform(0, 0.4) * np.sin(2 * np.pi * (time % BLOCKS_A_DAY) / BLOCKS_A_DAY + random.uniform(0, 6))
        weekend = random.uniform(-0.5, 0.3) * ((time // BLOCKS_A_DAY) % 7 >= 5)
        # An autoregressive load, r = 0.6: what happened 20 blocks ago is forgotten.
        shocks = random.normal(0, random.uniform(0.01, 0.12), number + 20)
        load = np.convolve(shocks, 0.6 ** np.arange(21), "valid")
        outliers = np.where(random.random(number) < 0.02, random.uniform(0.3, 1.5, number), 0)
        level = np.log(random.lognormal(0, 1.5)) + daily + weekend + load + outliers
        if place == 0 and case.factor != 1:
            level[number - case.last_days * BLOCKS_A_DAY :] += np.log(case.factor)
        traffic = np.exp(random.uniform(2.5, 6)) * np.exp(0.5 * daily + weekend)
        timed = random.poisson(traffic)
        # The median of n log-normal durations of spread s is itself log-normal with a spread of 1.25 s / sqrt(n).
        noise = random.normal(0, 1, number) * 1.25 * random.uniform(0.2, 1.0) / np.sqrt(np.maximum(timed, 1))
        medians = np.exp(level + noise)
        workflows.append(Blocks(timed.tolist(), [float(m) if n else None for m, n in zip(medians, timed, strict=True)]))
    return workflows, first, slots


@dataclass(frozen=True, slots=True)
class Rates:
    """What came of many reports of one case."""

    reports: int
    false_alarms: int
    """Reports that told of a workflow in which nothing was planted."""
    missed: int
    """Reports that did not tell of the planted one."""
    late_blocks: float | None
    """Median distance in blocks between what was told and what was planted."""


def measure(case: Case, reports: int, seed: int = 5) -> Rates:
    """The rates over so many reports."""
    random = np.random.default_rng([seed, case.days, int(case.factor * 100), case.last_days])
    false_alarms = missed = 0
    late: list[int] = []
    for _ in range(reports):
        workflows, first, slots = generate(random, case)
        found: list[Shift | None] = find(workflows, first, slots)
        planted, *others = found
        if case.factor == 1:
            others = found
        elif planted is None or planted.ratio < 1:
            missed += 1
        else:
            late.append(abs(planted.block - (len(slots) - case.last_days * BLOCKS_A_DAY)))
        false_alarms += any(others)
    return Rates(reports, false_alarms, missed, float(np.median(late)) if late else None)


def main(reports: int) -> None:
    """Print the table."""
    print("| period | planted in one of 40 workflows | reports | false alarms | missed | told off by (blocks of 6 h) |")
    print("|---|---|---:|---:|---:|---:|")
    for case in CASES:
        rates = measure(case, reports)
        planted = "nothing" if case.factor == 1 else f"×{case.factor:g} for the last {case.last_days} days"
        missed = "" if case.factor == 1 else f"{rates.missed / reports:.1%}"
        late = "" if rates.late_blocks is None else f"{rates.late_blocks:g}"
        print(f"| {case.days} days | {planted} | {reports} | {rates.false_alarms / reports:.1%} | {missed} | {late} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
