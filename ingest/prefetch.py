"""An iterator that runs ahead in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import Full, Queue
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

_POLL_S: Final = 0.2
_JOIN_S: Final = 5.0


class _End(Generic[Item]):
    """The last thing in the queue; carries what the iterator raised."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


@contextmanager
def prefetched(items: Iterator[Item], ahead: int) -> Iterator[Iterator[Item]]:
    """The items, at most `ahead` of them waiting; what the iterator raises is raised where it is read.

    The thread ends with the block, at the latest when the item in the making is done (a read of standard input
    that waits for ever is left behind).
    """
    queue: Queue[Item | _End[Item]] = Queue(ahead)
    stop = threading.Event()

    def put(item: Item | _End[Item]) -> bool:
        while not stop.is_set():
            try:
                queue.put(item, timeout=_POLL_S)
                return True
            except Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not put(item):
                    return
                del item  # the queue's reader alone holds it now
            put(_End(None))
        except BaseException as error:  # noqa: BLE001 - handed to the reader, whatever it is
            put(_End(error))

    def read() -> Iterator[Item]:
        while True:
            item = queue.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item

    thread = threading.Thread(target=work, name="reader", daemon=True)
    thread.start()
    try:
        yield read()
    finally:
        stop.set()
        thread.join(_JOIN_S)
