"""Fixtures of the hot store's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.warehouse.hot_helpers import Tiers, closed
from warehouse.hot.store import HotStore
from warehouse.lake import Lake


@pytest.fixture
def tiers(hot_url: str, tmp_path: Path) -> Iterator[Tiers]:
    """A hot store and a lake, both empty."""
    found = Tiers(HotStore.open(hot_url), Lake.open(tmp_path / "lake", create=True))
    yield found
    closed(*found)
