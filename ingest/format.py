"""What a format is: records of JSON text in, rows of the four tables and rejects out.

A format is pure: the same records and options give the same rows, whatever the clock, the machine or the order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

import pyarrow as pa

from ingest.redact import DEFAULT_SECRET_KEYS
from warehouse.duck import Session
from warehouse.schema import Batch

PayloadPolicy = Literal["keep", "redact", "drop"]

RECORDS: Final = pa.schema(
    [
        pa.field("record_no", pa.int64(), nullable=False),
        pa.field("raw", pa.string(), nullable=False),
    ]
)
"""Input of a format: one JSON text a row, valid UTF-8, otherwise anything. `record_no` is unique, not dense."""

REJECT_SCHEMA: Final = pa.schema(
    [
        pa.field("record_no", pa.int64(), nullable=False),
        pa.field("field", pa.string(), metadata={"doc": "The contract's name of the field. NULL: the whole record."}),
        pa.field("reason", pa.string(), nullable=False, metadata={"doc": "What is wrong and what was allowed."}),
        pa.field("value", pa.string(), metadata={"doc": "The value found, shortened. NULL: it is missing."}),
    ]
)
"""One row is one record that was refused; the first reason found, in the order of the record's fields."""

VALUE_MAX_CHARS: Final = 200
"""A reject's `value` is cut to this many characters (an ellipsis says so); the record itself is kept whole."""


@dataclass(frozen=True, slots=True)
class NormaliseOptions:
    """What the user chose about the content of records."""

    payloads: PayloadPolicy = "redact"
    """keep: as they came; redact: values under secret keys masked; drop: no payload row is made."""
    secret_keys: tuple[str, ...] = DEFAULT_SECRET_KEYS
    """Keys whose values are masked, see ingest.redact."""
    workflow_names: Mapping[str, str] = field(default_factory=dict)
    """Workflow id -> name, for records that carry no name."""


@dataclass(frozen=True, slots=True)
class Normalised:
    """The outcome of one block: every `record_no` that went in is in exactly one of the two, exactly once."""

    batch: Batch
    """Rows of the accepted records only."""
    rejects: pa.Table
    """REJECT_SCHEMA, ordered by `record_no`."""


class Format(Protocol):
    """Turns records of one kind into rows."""

    @property
    def name(self) -> str:
        """`runlake` or `n8n`: what `--format` and the column `source` say."""
        ...

    def normalise(self, session: Session, records: pa.Table, options: NormaliseOptions) -> Normalised:
        """Rows of the records that can be accepted, reasons for the others; `records` has the schema RECORDS.

        Never raises for what a record holds. No Python loop over records on the normal path.
        """
        ...
