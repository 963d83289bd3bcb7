"""Workflows that became slower (or faster) and stayed so: a test that noise, cycles and busy days do not set off.

Of each workflow the medians of even blocks of time are looked at, some weeks before the period and in it:

1. A value is the logarithm of a block's median duration; a block with fewer than BLOCK_MIN timed executions has none.
2. From each value the usual one of its hour of the week is taken away: the median of the same block in the other weeks
   before the period. So daily and weekly cycles cancel.
3. The instant of the period from which on the values rank highest (or lowest) is where it may have changed:
   the largest Mann-Whitney statistic of all instants (Pettitt's way of finding a change point, turned to the end).
4. Welch's question at that instant: do the means differ by more than chance? Values are clipped at CLIP robust standard
   deviations around the median of their side, so that single bad blocks do not speak. The standard error is widened by
   (1 + r) / (1 - r), r the correlation of neighbouring blocks, and Student's degrees of freedom are lowered alike: busy
   days that follow each other count as less than independent ones.
5. The probability is multiplied by twice the number of instants that were tried, and corrected for the number of
   workflows (Holm), so that a report without a change raises an alarm with a probability of ALPHA at most.
6. A change of less than MIN_RATIO or MIN_CHANGE_S is left out, however certain.

`python -m tests.reports.alarm_rates` shows how often it is wrong on generated executions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

ALPHA: Final = 0.01
BLOCK_MIN: Final = 10
"""Timed executions a block must have for its median to count."""
VALUES_MIN: Final = 24
"""Values before the period, at least."""
AFTER_MIN: Final = 6
"""Values after the change, at least."""
COVERED_MIN: Final = 0.5
"""Of the blocks of the period, those with a value, at least."""
MIN_RATIO: Final = 1.15
MIN_CHANGE_S: Final = 0.01
CLIP: Final = 3.0
OTHERS_MIN: Final = 2
"""Other weeks that say what is usual for an hour of the week; with fewer, all blocks before the period say it."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Blocks:
    """One workflow in even blocks, oldest first."""

    timed: Sequence[int]
    p50_s: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Shift:
    """A change of the typical duration that lasts to the end of the period."""

    block: int
    """The first block of the new level."""
    before_s: float
    """Median of the blocks before it."""
    ratio: float
    """New level / old one, cycles taken out; below 1: it became faster."""
    p_value: float
    """For this workflow alone, corrected for the instants that were tried."""


def find(workflows: Sequence[Blocks], first: int, slots: Sequence[int], *, alpha: float = ALPHA) -> list[Shift | None]:
    """What changed in each of the workflows, in their order; None: nothing that can be told from noise.

    Args:
        workflows: all of one report, each with as many blocks as there are slots.
        first: the first block of the period; those before it say what is usual.
        slots: which hour of the week each block is; equal numbers are the same hour.
        alpha: probability of any false alarm among them, at most.
    """
    found: list[Shift | None] = [None] * len(workflows)
    tested = [place for place, one in enumerate(workflows) if enough(one, first)]
    if not tested:
        return found
    logs = np.array([_logs(workflows[place]) for place in tested])
    values = _without_cycles(logs, first, np.asarray(slots, np.int64))
    shifts = [(_shift(values[row], logs[row], first), place) for row, place in enumerate(tested)]
    ranked = sorted(((shift, place) for shift, place in shifts if shift), key=lambda item: item[0].p_value)
    for rank, (shift, place) in enumerate(ranked):
        if shift.p_value * (len(tested) - rank) > alpha:
            break
        if _matters(shift):
            found[place] = shift
    return found


def enough(blocks: Blocks, first: int) -> bool:
    """Whether there are enough values to look for a change."""
    known = ~np.isnan(_logs(blocks))
    return bool(known[:first].sum() >= VALUES_MIN and known[first:].mean() >= COVERED_MIN)


def _matters(shift: Shift) -> bool:
    size = max(shift.ratio, 1 / shift.ratio)
    return size >= MIN_RATIO and abs(shift.ratio - 1) * shift.before_s >= MIN_CHANGE_S


def _logs(blocks: Blocks) -> Floats:
    """Logarithms of the medians; NaN where a block has no value."""
    medians = np.array([value if value else math.nan for value in blocks.p50_s], np.float64)
    medians[np.asarray(blocks.timed) < BLOCK_MIN] = math.nan
    logs: Floats = np.log(medians)
    return logs


def _without_cycles(logs: Floats, first: int, slots: Ints) -> Floats:
    """Each value minus what is usual for its hour of the week, told by the other weeks before the period."""
    usual = np.repeat(_medians(logs[:, :first])[:, None], logs.shape[1], axis=1)
    names, slot = np.unique(slots, return_inverse=True)
    before = [np.flatnonzero(slot[:first] == one) for one in range(len(names))]
    weeks = max(len(places) for places in before)
    table = np.full((weeks, len(names)), first)
    for one, places in enumerate(before):
        table[: len(places), one] = places
    padded = np.concatenate([logs[:, :first], np.full((len(logs), 1), math.nan)], axis=1)
    by_week = padded[:, table]
    for week in range(weeks + 1):
        others = np.delete(by_week, week, axis=1) if week < weeks else by_week
        told = (~np.isnan(others)).sum(axis=1) >= OTHERS_MIN
        median = _medians(np.moveaxis(others, 1, 2))
        # The last round is for the blocks of the period, which are in none of the weeks before it.
        for places, columns in [
            (table[week], np.arange(len(names))) if week < weeks else (np.arange(first, len(slots)), slot[first:])
        ]:
            real = (places < first) if week < weeks else np.ones(len(places), np.bool_)
            at, column = places[real], columns[real]
            usual[:, at] = np.where(told[:, column], median[:, column], usual[:, at])
    return logs - usual


def _medians(values: Floats) -> Floats:
    """Medians along the last axis without the NaN; NaN where there is nothing else."""
    ordered = np.sort(values, axis=-1)
    number = (~np.isnan(values)).sum(axis=-1)
    low, high = np.maximum(number - 1, 0) // 2, np.minimum(number // 2, np.maximum(number - 1, 0))
    pair = [np.take_along_axis(ordered, at[..., None], axis=-1)[..., 0] for at in (low, high)]
    answer: Floats = (pair[0] + pair[1]) / 2
    return answer


def _shift(values: Floats, logs: Floats, first: int) -> Shift | None:
    """The most extreme shift of one workflow. None: no instant can be tried."""
    places = np.flatnonzero(~np.isnan(values))
    known = values[places]
    number = len(known)
    before = np.arange(number)
    allowed = (places >= first) & (number - before >= AFTER_MIN)
    if not allowed.any():
        return None
    sums = np.cumsum(_ranks(known)[::-1])[::-1]
    after = number - before
    spread = np.sqrt(np.maximum(after * before, 1) * (number + 1) / 12)
    z = np.where(allowed, np.abs(sums - after * (number + 1) / 2) / spread, 0.0)
    split = int(np.argmax(z))
    ratio = math.exp(float(np.median(known[split:]) - np.median(known[:split])))
    p_value = min(1.0, 2 * int(allowed.sum()) * _chance(known, places, split))
    return Shift(int(places[split]), math.exp(float(np.median(logs[places[:split]]))), ratio, p_value)


def _chance(values: Floats, places: Ints, split: int) -> float:
    """The probability (one-sided) that both sides of the split differ so much by chance."""
    sides = [values[:split], values[split:]]
    rests = [side - np.median(side) for side in sides]
    scale = 1.4826 * float(np.median(np.abs(np.concatenate(rests))))
    if scale == 0:
        scale = 1e-6
    clipped = [np.clip(rest, -CLIP * scale, CLIP * scale) for rest in rests]
    means = [float(np.median(side) + rest.mean()) for side, rest in zip(sides, clipped, strict=True)]
    wide = _inflation(np.concatenate([rest - rest.mean() for rest in clipped]), places)
    variances = [float(rest.var(ddof=1)) for rest in clipped]
    pooled = sum((len(rest) - 1) * one for rest, one in zip(clipped, variances, strict=True)) / (len(values) - 2)
    # The short side alone says little of its own spread: never less than the spread of both.
    terms = [max(one, pooled) / len(rest) for rest, one in zip(clipped, variances, strict=True)]
    error = math.sqrt(max(sum(terms) * wide, 1e-18))
    freedom = max((len(values) - 2) / wide, 2.0)
    return _student_tail(abs(means[1] - means[0]) / error, freedom)


def _student_tail(t: float, freedom: float) -> float:
    """P(T > t) of Student's distribution, by Wallace's transformation to the normal one (Biometrika 46, 1959)."""
    z = (8 * freedom + 1) / (8 * freedom + 3) * math.sqrt(freedom * math.log1p(t * t / freedom))
    return 0.5 * math.erfc(z / math.sqrt(2))


def _inflation(rest: Floats, places: Ints) -> float:
    """(1 + r) / (1 - r): by how much neighbouring blocks that go together widen the variance of a mean."""
    pairs = np.flatnonzero(np.diff(places) == 1)
    variance = float((rest**2).mean())
    if len(pairs) < AFTER_MIN or variance == 0:
        return 1.0
    r = float((rest[pairs] * rest[pairs + 1]).mean()) / variance
    r += (1 + 3 * max(r, 0.0)) / len(pairs)  # the estimate is too low in short series
    r = min(max(r, 0.0), 0.95)
    return (1 + r) / (1 - r)


def _ranks(values: Floats) -> Floats:
    """1.., equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Floats = (ends - (counts - 1) / 2)[place]
    return ranks
