"""Every error the warehouse raises on purpose.

RunlakeError
├── BadInputError            the caller's value is wrong: say what, the value, what is allowed
│   └── UnknownColumnError   a name that no table has
├── LakeError
│   ├── LakeNotFoundError    no lake at this location
│   ├── LakeExistsError      a lake is already there
│   ├── LakeBusyError        another process is writing (transient: try again)
│   ├── CommitConflictError  another writer committed first (transient: refresh, plan again)
│   └── LakeCorruptError     the lake does not hold what its log says
├── HotStoreError
│   ├── HotStoreBusyError         others held it too long (transient: try again)
│   ├── HotStoreFullError         its disk is full; nothing was written
│   ├── HotStoreUnavailableError  it cannot be reached or opened (transient)
│   ├── ExecutionEndedError       what was to be decided about has ended meanwhile
│   └── HotStoreVersionError      its tables are those of another release
└── QueryError
    └── QueryTimeoutError    the query ran into its time limit
"""

from __future__ import annotations

from collections.abc import Mapping


class RunlakeError(Exception):
    """Root of all errors raised on purpose; its text is one line a person can act on."""

    transient: bool = False
    """True when the same call may succeed if it is made again."""


class BadInputError(RunlakeError, ValueError):
    """A value that the caller gave is not usable.

    The message says what was wrong, the value, what was allowed and what to do.
    """

    def __init__(self, message: str, *, field: str | None = None, value: object = None) -> None:
        super().__init__(message)
        self.field = field
        self.value = value


class UnknownColumnError(BadInputError):
    """A column name that the table does not have."""


class LakeError(RunlakeError):
    """The lake cannot do what was asked."""


class LakeNotFoundError(LakeError):
    """There is no lake at the location."""


class LakeExistsError(LakeError):
    """A lake is already at the location."""


class LakeBusyError(LakeError):
    """Another process holds the writer's lock."""

    transient = True


class CommitConflictError(LakeError):
    """Another writer committed between our reading and our commit."""

    transient = True


class LakeCorruptError(LakeError):
    """The files of the lake are not what its log says."""


class HotStoreError(RunlakeError):
    """The hot store cannot do what was asked; nothing of the transaction remains."""


class HotStoreBusyError(HotStoreError):
    """Other writers, or a seal, held the hot store or the record for too long."""

    transient = True


class HotStoreFullError(HotStoreError):
    """The disk of the hot store is full."""


class HotStoreUnavailableError(HotStoreError):
    """The hot store's database cannot be reached, opened, or read."""

    transient = True


class ExecutionEndedError(HotStoreError):
    """Executions that had to be unfinished are not, so nothing was written."""

    def __init__(self, statuses: Mapping[str, str | None]) -> None:
        super().__init__(f"{len(statuses)} executions have ended meanwhile")
        self.statuses = statuses
        """The status of each by id. None: it is gone."""


class HotStoreVersionError(HotStoreError):
    """The hot store's tables are not those of this release."""


class QueryError(RunlakeError):
    """DuckDB refused a query."""


class QueryTimeoutError(QueryError):
    """A query was stopped at its time limit."""

    def __init__(self, limit_s: float) -> None:
        super().__init__(
            f"the query was stopped at its time limit of {limit_s:g} s; "
            "ask for a shorter period or fewer columns, or raise the limit"
        )
        self.limit_s = limit_s
