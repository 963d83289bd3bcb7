"""Percentiles from histograms against exact ones."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse import duck
from warehouse.duck import Session
from warehouse.histogram import BUCKETS, RELATIVE_ERROR, bucket_values, percentiles

SCALE = int(os.environ.get("RUNLAKE_TEST_SCALE", "1"))
"""`make soak` sets it: how many times the examples of an ordinary run."""

RANKS = (0.0, 0.25, 0.5, 0.95, 0.99, 1.0)
NONE = np.iinfo(np.int64)


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    session = duck.connect()
    yield session
    session.close()


def buckets(session: Session, values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    table = session.table("SELECT duration_bucket(unnest($values::BIGINT[])) AS bucket", {"values": values})
    return np.asarray(table["bucket"].to_numpy(), np.int64)


def test_every_duration_is_within_the_error_of_its_bucket(session: Session) -> None:
    powers = np.unique(np.round(np.exp(np.linspace(0, np.log(2.0**62), 20_000))).astype(np.int64))
    values = np.unique(np.concatenate([np.arange(0, 3000), powers, [2**63 - 1]]))
    found = buckets(session, values.tolist())
    assert (np.diff(found) >= 0).all()
    assert (found[0], found.max()) == (0, BUCKETS - 1)
    estimate = bucket_values()[found]
    assert (np.abs(estimate - values) <= values * (RELATIVE_ERROR + 1e-9)).all()


def test_null_and_negative_durations(session: Session) -> None:
    assert session.rows("SELECT duration_bucket(NULL), duration_bucket(-5)") == [(None, 0)]
    odd = (
        "SELECT whole_us('nan'::DOUBLE), whole_us('inf'::DOUBLE), whole_us(1e300), whole_us(NULL), whole_us(0.0000014)"
    )
    assert session.rows(odd) == [(None, None, None, None, 1)]


durations = st.one_of(
    st.integers(0, 50), st.integers(0, 10**7), st.floats(0, 40).map(lambda power: int(np.exp(power))), st.just(0)
)


@settings(max_examples=80 * SCALE, deadline=None)
@given(sets=st.lists(st.lists(durations, max_size=40), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_percentiles_of_many_sets_are_within_one_percent(session: Session, sets: list[list[int]], seed: int) -> None:
    slots = np.concatenate([np.full(len(members), slot) for slot, members in enumerate(sets)]).astype(np.int64)
    values = [value for members in sets for value in members]
    order = np.random.default_rng(seed).permutation(len(values))  # the order of the entries does not matter
    bucket = buckets(session, values) if values else np.zeros(0, np.int64)
    low = np.array([min(members, default=NONE.max) for members in sets], np.int64)
    high = np.array([max(members, default=NONE.min) for members in sets], np.int64)
    found = percentiles(slots[order], bucket[order], np.ones(len(values), np.int64), low, high, RANKS)
    for row, members in zip(found, sets, strict=True):
        if members:
            np.testing.assert_allclose(row, np.quantile(members, RANKS), rtol=0.01, atol=1e-9)
            assert (row[0], row[-1]) == (min(members), max(members))
        else:
            assert np.isnan(row).all()


def test_counts_weigh_as_many_single_entries(session: Session) -> None:
    bucket = buckets(session, [10, 1000])
    ends = np.array([10], np.int64), np.array([1000], np.int64)
    weighed = percentiles(np.zeros(2, np.int64), bucket, np.array([99, 2]), *ends, (0.5, 0.98, 0.99))
    values = [10] * 99 + [1000] * 2
    np.testing.assert_allclose(weighed[0], np.quantile(values, (0.5, 0.98, 0.99)), rtol=0.01)


def test_many_sets_are_worked_off_in_parts() -> None:
    count = 9_000  # 9,000 sets of all buckets are more than are looked at at once
    slots = np.repeat(np.arange(count), 2)
    bucket = np.tile([1, BUCKETS - 1], count)
    low, high = np.full(count, 1), np.full(count, NONE.max)
    found = percentiles(slots, bucket, np.ones(2 * count, np.int64), low, high, (0.0, 1.0))
    assert (found[:, 0] == 1).all()
    assert (found[:, 1] == float(NONE.max)).all()
