"""A map that forgets what was used least recently when its values take too many bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Anything that knows how many bytes it holds."""

    @property
    def nbytes(self) -> int:
        """Bytes."""


K = TypeVar("K")
V = TypeVar("V")
S = TypeVar("S", bound=Sized)


class Lru(Generic[K, S]):
    """Values by key within a limit in bytes; the newest one stays even if it alone is larger. Thread-safe."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._values: OrderedDict[K, S] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: K) -> S | None:
        """The value, used just now. None: not here."""
        with self._lock:
            value = self._values.get(key)
            if value is not None:
                self._values.move_to_end(key)
            return value

    def put(self, key: K, value: S) -> None:
        """Keep a value, in place of an earlier one of that key."""
        with self._lock:
            self._remove(key)
            self._values[key] = value
            self._bytes += value.nbytes
            while self._bytes > self._limit_bytes and len(self._values) > 1:
                self._remove(next(iter(self._values)))

    def drop(self, unwanted: Callable[[K], bool]) -> None:
        """Forget the values of these keys."""
        with self._lock:
            for key in [key for key in self._values if unwanted(key)]:
                self._remove(key)

    @property
    def nbytes(self) -> int:
        """Bytes of all values."""
        return self._bytes

    def _remove(self, key: K) -> None:
        value = self._values.pop(key, None)
        if value is not None:
            self._bytes -= value.nbytes


class FileMemory(Generic[K, V]):
    """Answers by question and data file, those of the questions asked last. Thread-safe."""

    def __init__(self, questions: int = 256) -> None:
        self._questions = questions
        self._answers: OrderedDict[K, dict[str, V]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, question: K) -> dict[str, V]:
        """By the names of files, what is remembered of a question; to be filled by the caller."""
        with self._lock:
            answers = self._answers.setdefault(question, {})
            self._answers.move_to_end(question)
            while len(self._answers) > self._questions:
                self._answers.popitem(last=False)
            return answers

    def discard(self, names: Collection[str]) -> None:
        """Forget what belongs to these files."""
        with self._lock:
            for answers in self._answers.values():
                for name in names:
                    answers.pop(name, None)
