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
└── QueryError
    └── QueryTimeoutError    the query ran into its time limit
"""

from __future__ import annotations


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
