"""What a request with records is answered: counts, and what became of each record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import pyarrow.compute as pc

from api.models import instant_text
from api.writing.ingest_queue import BodyOutcome
from ingest.records import Reject
from warehouse.clock import now

RESULTS_MAX: Final = 10_000
"""Records named one by one in an answer; of more than these only rejected ones are named, and no more than these."""

_OF_KIND: Final[Mapping[str, tuple[int, str]]] = {
    "too_large": (413, "RECORD_TOO_LARGE"),
    "foreign": (403, "INSUFFICIENT_PERMISSIONS"),
    "invalid": (400, "RECORDS_REJECTED"),
}


class RecordResult(msgspec.Struct, omit_defaults=True):
    """What became of one record."""

    index: int
    id: str | None
    status: str
    error: dict[str, str | None] | None = None


class LineResult(msgspec.Struct, omit_defaults=True):
    """What became of one log line."""

    index: int
    status: str
    error: dict[str, str | None] | None = None


class Tally:
    """The outcomes of one request, piece by piece."""

    def __init__(self, *, execution_id: str | None = None) -> None:
        self.execution_id = execution_id
        """Of log lines: whose they are."""
        self.counts: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        self.results: list[RecordResult | LineResult] = []
        self.complete = True
        self._first_reject: Reject | None = None

    @property
    def total(self) -> int:
        """Records so far."""
        return self.accepted + self.rejected

    @property
    def accepted(self) -> int:
        """Of these, durable."""
        return self.counts.total()

    @property
    def rejected(self) -> int:
        """Of these, refused."""
        return self.kinds.total()

    def add(self, outcome: BodyOutcome) -> None:
        """The next piece of the request."""
        first, rejects = self.total, outcome.rows.rejects
        if self.execution_id is not None:
            self.counts["accepted"] += len(outcome.rows.records) - len(rejects)
        else:
            for count in pc.value_counts(outcome.outcomes).to_pylist():
                self.counts[count["values"]] += count["counts"]
        self.kinds.update(reject.kind for reject in rejects.values())
        if rejects and self._first_reject is None:
            self._first_reject = rejects[min(rejects)]
        if self.total > RESULTS_MAX and self.complete:
            self.complete = False
            self.results = [result for result in self.results if result.error is not None]
        if self.complete or (rejects and len(self.results) < RESULTS_MAX):
            found = self._line_results(outcome, first) if self.execution_id else _record_results(outcome, first)
            self.results += found if self.complete else [result for result in found if result.error is not None]
            del self.results[RESULTS_MAX:]

    def answer(self) -> tuple[int, bytes]:
        """(status, body): 200 all accepted, 207 some, else the status of what was wrong with them."""
        if self.accepted or not self.rejected:
            return (207 if self.rejected else 200), msgspec.json.encode(self.progress())
        kind = next(iter(self.kinds)) if len(self.kinds) == 1 else "invalid"
        status, code = _OF_KIND[kind]
        details: dict[str, Any] = {"code": code, "message": self._message(), "timestamp": instant_text(now())}
        if kind == "foreign":
            details["requiredPermission"] = "executions:write"
        return status, msgspec.json.encode({"error": details | self.progress()})

    def progress(self) -> dict[str, Any]:
        """The counts and results so far."""
        head: dict[str, Any] = {"accepted": self.accepted, "rejected": self.rejected}
        if self.execution_id is not None:
            head = {"executionId": self.execution_id, **head}
        else:
            head |= {name: self.counts[name] for name in ("new", "updated", "unchanged")}
        return {**head, "results": self.results, "resultsComplete": self.complete}

    def _message(self) -> str:
        reject = self._first_reject
        assert reject is not None
        what = "log line" if self.execution_id is not None else "record"
        who = f"the {what} was" if self.rejected == 1 else f"all {self.rejected} {what}s were"
        first = "" if self.rejected == 1 else "; results says why each, the first: "
        return f"{who} rejected{first or ': '}{f'{reject.field}: ' if reject.field else ''}{reject.reason}"

    def _line_results(self, outcome: BodyOutcome, first: int) -> list[LineResult]:
        rejects = outcome.rows.rejects
        return [
            LineResult(first + place, "rejected", _error(rejects[place]))
            if place in rejects
            else LineResult(first + place, "accepted")
            for place in range(len(outcome.rows.records))
        ]


def _record_results(outcome: BodyOutcome, first: int) -> list[RecordResult]:
    rows = outcome.rows
    numbers = outcome.record_no.tolist()
    ids = rows.ids(dict(zip(numbers, outcome.ids.to_pylist(), strict=True)))
    places = rows.records.place.tolist()
    statuses = {
        places[number - rows.first_no]: status
        for number, status in zip(numbers, outcome.outcomes.to_pylist(), strict=True)
    }
    return [
        RecordResult(first + place, own, "rejected", _error(rows.rejects[place]))
        if place in rows.rejects
        else RecordResult(first + place, own, statuses[place])
        for place, own in enumerate(ids)
    ]


def _error(reject: Reject) -> dict[str, str | None]:
    return {"field": reject.field, "reason": reject.reason, "value": reject.value}
