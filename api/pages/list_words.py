"""The list as its page's address asks for it: the parameters of GET /v1/executions, and links that change one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from api.reading.executions import ListQuestion
from api.reading.questions import words
from api.reading.selection import FilterWords
from warehouse.errors import BadInputError
from warehouse.listing import SORTS, ListSort

LIMITS: Final = (25, 50, 100)
LIMIT: Final = 50

SEVERAL: Final = ("filter[workflowId]", "filter[status]", "filter[mode]", "filter[errorType]")
ONE: Final = (
    "filter[dateRange]",
    "filter[startDate]",
    "filter[endDate]",
    "filter[fingerprint]",
    "filter[error]",
    "filter[minDuration]",
    "filter[retryOf]",
    "sort",
    "limit",
    "cursor",
)
_FILTERS: Final = tuple(name for name in (*SEVERAL, *ONE) if name.startswith("filter["))


@dataclass(frozen=True, slots=True)
class ListWords:
    """What an address says, without what it leaves empty; values as they were given, several joined by commas."""

    given: Mapping[str, str]

    def get(self, name: str) -> str:
        """One parameter; empty: not said."""
        return self.given.get(name, "")

    def several(self, name: str) -> tuple[str, ...]:
        """The words of one that takes several."""
        return words(name, [self.given[name]]) if name in self.given else ()

    @property
    def filters(self) -> dict[str, str]:
        """The filters alone."""
        return {name: self.given[name] for name in _FILTERS if name in self.given}

    @property
    def sort(self) -> ListSort:
        """How it is sorted. Raises BadInputError."""
        found = self.given.get("sort", "-startedAt")
        if found not in SORTS:
            raise BadInputError(f"sort is {found[:100]!r}; allowed: {', '.join(SORTS)}", field="sort", value=found)
        return found

    def url(self, path: str = "/executions", /, **change: str) -> str:
        """The address with other values (empty: without it); always from the first page on unless a cursor is given.

        Names of filters are given without their brackets: url(status="failed").
        """
        named = {name if name in ONE else f"filter[{name}]": value for name, value in change.items()}
        found = {**{name: value for name, value in self.given.items() if name != "cursor"}, **named}
        return address(path, found)

    def question(self) -> ListQuestion:
        """As the API's list takes it. Raises BadInputError as that does."""
        return ListQuestion(self.words(), self.sort, self._limit(), self.given.get("cursor"))

    def words(self) -> FilterWords:
        """The filters in the caller's words."""
        return FilterWords(
            workflow_ids=self.several("filter[workflowId]"),
            statuses=self.several("filter[status]"),
            modes=self.several("filter[mode]"),
            date_range=self.given.get("filter[dateRange]"),
            start_date=self.given.get("filter[startDate]"),
            end_date=self.given.get("filter[endDate]"),
            error_types=self.several("filter[errorType]"),
            fingerprint=self.given.get("filter[fingerprint]"),
            error_text=self.given.get("filter[error]"),
            min_duration_s=self._min_duration_s(),
            retry_of=self.given.get("filter[retryOf]"),
        )

    def _limit(self) -> int:
        text = self.given.get("limit", str(LIMIT))
        if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= 100):
            raise BadInputError(f"limit is {text[:100]!r}; allowed: 1 to 100", field="limit", value=text[:100])
        return int(text)

    def _min_duration_s(self) -> float | None:
        text = self.given.get("filter[minDuration]")
        if text is None:
            return None
        try:
            found = float(text)
        except ValueError:
            found = -1.0
        if not 0 <= found < float("inf"):
            raise BadInputError(
                f"filter[minDuration] is {text[:100]!r}; allowed: a number of seconds from 0 on",
                field="filter[minDuration]",
                value=text[:100],
            )
        return found


def list_words(asked: Iterable[tuple[str, str]]) -> ListWords:
    """What the parameters of an address say. Raises BadInputError for one that the list does not have."""
    found: dict[str, list[str]] = {}
    for name, value in asked:
        if name not in SEVERAL and name not in ONE:
            raise BadInputError(
                f"there is no parameter {name[:100]!r}; allowed: {', '.join((*SEVERAL, *ONE))}", field=name[:100]
            )
        if value.strip():
            found.setdefault(name, []).append(value.strip())
    for name, values in found.items():
        if name in ONE and len(values) > 1:
            raise BadInputError(f"parameter {name!r} is given more than once; give it once", field=name)
    return ListWords({name: ",".join(dict.fromkeys(values)) for name, values in found.items()})


def address(path: str, parameters: Mapping[str, str]) -> str:
    """A path with parameters, as the reports' links are written; those that are empty are left out."""
    said = "&".join(f"{name}={quote(value, safe=',:')}" for name, value in parameters.items() if value)
    return f"{path}?{said}" if said else path


def is_plain(asked: Sequence[tuple[str, str]], said: ListWords) -> bool:
    """Whether an address is as short as it can be: a form sends every field, the empty ones too."""
    return len(asked) == len(said.given) and all(value == said.given.get(name) for name, value in asked)
