"""Records in quarantine, given another try: after an update of runlake, or with other options."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from ingest.detect import detect
from ingest.format import RECORDS, NormaliseOptions
from ingest.formats import FORMATS
from ingest.quarantine import Entry, Quarantine
from ingest.strict import examine
from warehouse import clock
from warehouse.duck import Session
from warehouse.lake import Lake


@dataclass(slots=True)
class RetryReport:
    """The outcome: read = new + updated + unchanged + rejected."""

    read: int = 0
    new: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    """Still in quarantine."""


def retry(lake: Lake, options: NormaliseOptions | None = None) -> RetryReport:
    """Ingest what is in quarantine again; what is accepted leaves it, the rest stays with its present reason.

    Accepted records are in the lake before they leave the quarantine, so a retry that dies can be made again.
    Raises what lake.load raises.
    """
    options = options or NormaliseOptions()
    quarantine = Quarantine(lake.folder("quarantine"))
    report = RetryReport()
    session = lake.session.fork()
    try:
        for path in quarantine.files():
            entries = list(quarantine.read(path))
            remaining = _retry(lake, session, entries, options, report)
            report.read += len(entries)
            report.rejected += len(remaining)
            if len(remaining) < len(entries):
                quarantine.replace(path, remaining)
    finally:
        session.close()
    return report


def _retry(
    lake: Lake, session: Session, entries: list[Entry], options: NormaliseOptions, report: RetryReport
) -> list[Entry]:
    """Writes those that are accepted now; the others."""
    remaining: list[Entry] = []
    ready: dict[str, list[tuple[Entry, str]]] = {}
    for entry in entries:
        try:
            text = entry.raw.decode()
        except UnicodeDecodeError:
            remaining.append(entry)
            continue
        if not text or examine(entry.raw) is not None:
            remaining.append(entry)
            continue
        name = entry.format or detect(pa.array([text])).format
        if name is None:
            remaining.append(entry)
        else:
            ready.setdefault(name, []).append((entry, text))
    for name, group in ready.items():
        records = pa.table([np.arange(len(group)), pa.array([text for _, text in group])], schema=RECORDS)
        normalised = FORMATS[name].normalise(session, records, options)
        counts = lake.load(normalised.batch)
        report.new += counts.new
        report.updated += counts.updated
        report.unchanged += counts.unchanged
        for reject in normalised.rejects.to_pylist():
            entry = group[reject.pop("record_no")][0]
            remaining.append(replace(entry, format=name, rejected_at=clock.now(), **reject))
    return remaining
