"""Mergeable histograms of durations with a known relative error, and percentiles from them.

Durations are whole microseconds. Bucket 0 holds zero; bucket k >= 1 holds (g^(k-2), g^(k-1)] with
g = (1 + a) / (1 - a), so that the value 2 g^(k-1) / (g + 1) is within the relative error a of everything in the bucket
(Ch. Masson, J. E. Rim, H. K. Lee: DDSketch, PVLDB 12(12), 2019). Adding the counts of two histograms gives the
histogram of both sets, whatever the order. The bucket of a duration is computed in one place only, the SQL macro
`duration_bucket`; this module reads buckets.

A percentile lies linearly between the two neighbouring ranks (type 7, the default of numpy, Polars and DuckDB's
quantile_cont). Both ranks are estimated within a, so their mix is too; rank 0 and the last one are known exactly.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

RELATIVE_ERROR: Final = 0.0099
"""a; below the promised 1 % by a margin for the rounding of floating point numbers."""
GAMMA: Final = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
BUCKETS: Final = 2_208
"""One more than the bucket of the largest 64-bit duration."""

_CELLS_AT_ONCE: Final = 4_000_000
"""Bounds the dense working arrays of `percentiles` to some 100 MB."""


def bucket_values() -> Floats:
    """The value that stands for each bucket, in microseconds."""
    exponent = np.arange(-1, BUCKETS - 1, dtype=np.float64)
    values: Floats = 2.0 * np.exp(exponent * np.log(GAMMA)) / (GAMMA + 1.0)
    values[0] = 0.0
    return values


_VALUES: Final = bucket_values()


def percentiles(
    slots: Ints,
    buckets: npt.NDArray[Any],
    counts: npt.NDArray[Any],
    minimum: Ints,
    maximum: Ints,
    ranks: tuple[float, ...],
) -> Floats:
    """Percentiles of several sets of durations at once.

    Args:
        slots: which set an entry belongs to, 0..n-1; any order, the same (slot, bucket) may come many times.
        buckets: the bucket of the entry.
        counts: how many durations the entry stands for.
        minimum: smallest duration of each set in microseconds, length n; not looked at for empty sets.
        maximum: largest duration of each set.
        ranks: the percentiles as 0..1.

    Returns:
        Array (n, len(ranks)) of microseconds; NaN for an empty set.

    Cost: linear in the entries plus n times the width of the buckets in use.
    """
    answer = np.full((len(minimum), len(ranks)), np.nan)
    if len(slots) == 0:
        return answer
    lowest = int(buckets.min())
    width = int(buckets.max()) - lowest + 1
    step = max(1, _CELLS_AT_ONCE // width)
    cells = slots * width + buckets - lowest
    for first in range(0, len(minimum), step):
        last = min(first + step, len(minimum))
        mine = slice(None) if (first, last) == (0, len(minimum)) else (slots >= first) & (slots < last)
        dense: npt.NDArray[Any] = np.bincount(
            cells[mine] - first * width, weights=counts[mine].astype(np.float64), minlength=(last - first) * width
        )
        answer[first:last] = _dense_percentiles(dense, width, lowest, minimum[first:last], maximum[first:last], ranks)
    return answer


def _dense_percentiles(
    dense: Floats, width: int, lowest: int, minimum: Ints, maximum: Ints, ranks: tuple[float, ...]
) -> Floats:
    """Percentiles of sets that lie one after the other in `dense`, `width` buckets each.

    The running count grows over all sets, so one binary search over the whole array finds every rank of every set.
    """
    running = np.cumsum(dense)
    ends = running[width - 1 :: width]
    starts = np.concatenate([[0.0], ends[:-1]])
    sizes = ends - starts
    positions = np.array(ranks)[None, :] * np.maximum(sizes - 1, 0)[:, None]
    lower_rank = np.floor(positions)
    upper_rank = np.minimum(lower_rank + 1, np.maximum(sizes - 1, 0)[:, None])
    shape = positions.shape

    def estimate(rank: npt.NDArray[Any]) -> npt.NDArray[Any]:
        cell = np.searchsorted(running, (starts[:, None] + rank).ravel(), side="right").reshape(shape)
        value = _VALUES[np.minimum(cell % width + lowest, BUCKETS - 1)]
        value = np.clip(value, minimum[:, None], maximum[:, None])
        value = np.where(rank == 0, minimum[:, None], value)
        return np.where(rank == sizes[:, None] - 1, maximum[:, None], value)

    low, high = estimate(lower_rank), estimate(upper_rank)
    answer: Floats = low + (high - low) * (positions - lower_rank)
    answer[sizes == 0] = np.nan
    return answer
