"""Events as subscribers get them: decoded once, serialised once, whoever reads them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import pyarrow as pa

from api.live.wire import Wire
from api.models import instant_text

CHUNK_EVENTS: Final = 256
CHUNK_BYTES: Final = 64 * 1024
"""Events are handed on in pieces of at most so many, so that no subscriber makes the others wait long."""
OVERHEAD_BYTES: Final = 400
"""What an event costs in memory beside its text."""

_quoted: Final[Callable[[str], str]] = json.encoder.encode_basestring


class LiveEvent:
    """One event. `json` is None once the ring has let go of it: whoever had it waiting then has missed it."""

    __slots__ = ("execution_id", "guarded", "json", "mode", "seq", "status", "type", "workflow_id")

    def __init__(
        self,
        seq: int,
        type: str,
        execution_id: str | None,
        workflow_id: str | None,
        status: str | None,
        mode: str | None,
    ) -> None:
        self.seq = seq
        self.type = type
        self.execution_id = execution_id
        self.workflow_id = workflow_id
        self.status = status
        self.mode = mode
        self.guarded = type.startswith("webhook.")
        """Only for those who may manage webhooks."""
        self.json: bytes | None = None


def decode(table: pa.Table, wanted: Callable[[LiveEvent], bool] | None = None) -> list[LiveEvent]:
    """The events of a table of EVENTS, in its order; with `wanted` only those, and only they are serialised.

    Some 4 µs an event; pure, for any thread.
    """
    names = ("event_no", "type", "execution_id", "workflow_id", "status", "mode")
    columns = [table.column(name).to_pylist() for name in names]
    events = [LiveEvent(*row) for row in zip(*columns, strict=True)]
    if wanted is not None:
        kept = [number for number, event in enumerate(events) if wanted(event)]
        events = [events[number] for number in kept]
        table = table.take(pa.array(kept, pa.int64()))
    instants, texts = table.column("at").to_pylist(), table.column("data").to_pylist()
    for event, at, data in zip(events, instants, texts, strict=True):
        event.json = _json(event, instant_text(at), data)
    return events


def _json(event: LiveEvent, at: str, data: str) -> bytes:
    """The contract's object, and its number."""
    if "\n" in data or "\r" in data:  # between the tokens of the JSON, where it means nothing; in SSE it would
        data = data.replace("\r", " ").replace("\n", " ")
    execution = "null" if event.execution_id is None else _quoted(event.execution_id)
    workflow = "null" if event.workflow_id is None else _quoted(event.workflow_id)
    return (
        f'{{"type":"{event.type}","executionId":{execution},"workflowId":{workflow},"timestamp":"{at}",'
        f'"data":{data},"seq":{event.seq}}}'
    ).encode()


class Chunk:
    """Some events on their way, shared by all who get the same ones."""

    __slots__ = ("_joined", "events", "made_s", "size_bytes")

    def __init__(self, events: Sequence[LiveEvent], size_bytes: int) -> None:
        self.events = events
        self.size_bytes = size_bytes
        self.made_s = time.monotonic()
        self._joined: dict[str, bytes] = {}

    def joined(self, wire: Wire) -> bytes | None:
        """All of it as one piece, made once for each transport. None: some of it is gone."""
        found = self._joined.get(wire.name)
        if found is None:
            parts: list[bytes] = []
            for event in self.events:
                if event.json is None:
                    return None
                parts += wire.event(event.seq, event.json)
            found = self._joined[wire.name] = b"".join(parts)
        return found

    def forget(self) -> None:
        """Those who are not slow have had it; the others make it again."""
        self._joined.clear()


def chunks_of(events: Iterable[LiveEvent]) -> Iterator[Chunk]:
    """The events, in their order, in pieces."""
    held: list[LiveEvent] = []
    size = 0
    for event in events:
        length = len(event.json or b"")
        if held and (len(held) >= CHUNK_EVENTS or size + length > CHUNK_BYTES):
            yield Chunk(held, size)
            held, size = [], 0
        held.append(event)
        size += length
    if held:
        yield Chunk(held, size)
