"""A block of the contract's records taken apart."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from ingest.columns import Elements


@dataclass(frozen=True, slots=True)
class Parsed:
    """The fields by the contract's names (`error.message`); a record is known by its position in the block."""

    record_no: pa.Array
    fields: dict[str, pa.ChunkedArray]
    """Scalars, JSON texts, structs and lists, one row a record."""
    nodes: Elements
    """Of `executionData`."""
    lines: Elements
    """Of `logs`."""
