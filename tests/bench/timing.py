"""Two things by turns: what is slow for a while on a busy machine is then slow for both."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

Act = Callable[[int], object]
"""Does the thing once; gets the number of the run, from 0 (warm-up runs repeat run 0)."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Seconds of both, run by run."""

    ours_s: list[float]
    theirs_s: list[float]

    def ratios(self) -> list[float]:
        """Time of ours / time of theirs."""
        return [ours / theirs for ours, theirs in zip(self.ours_s, self.theirs_s, strict=True)]

    def throughput_ratios(self) -> list[float]:
        """Throughput of ours / throughput of theirs, for the same work."""
        return [1 / ratio for ratio in self.ratios()]


def alternate(ours: Act, theirs: Act, runs: int, *, warm_ups: int = 1) -> Pairs:
    """Ours, theirs, ours, theirs, … after `warm_ups` untimed runs of each."""
    for _ in range(warm_ups):
        ours(0)
        theirs(0)
    pairs = Pairs([], [])
    for run in range(runs):
        pairs.ours_s.append(seconds(ours, run))
        pairs.theirs_s.append(seconds(theirs, run))
    return pairs


def seconds(act: Act, run: int) -> float:
    """How long one run takes."""
    started = time.perf_counter()
    act(run)
    return time.perf_counter() - started
