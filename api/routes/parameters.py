"""The query parameters that several routes share: declared once, described once, strict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

from fastapi import Path, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import WithJsonSchema

from api.models.shared import INSTANT_PATTERN, InstantWord
from api.reading.questions import words
from api.reading.selection import DATE_RANGES, FilterWords
from warehouse.errors import BadInputError
from warehouse.period import GRANULARITIES, PERIODS
from warehouse.schema import MODES, STATUSES

INCLUDES: Final = ("data", "error", "metadata", "logs")
"""Words of `include`."""


def one_or_more(allowed: Sequence[str]) -> dict[str, Any]:
    """JSON schema of one of these words, or several with commas."""
    word = f"({'|'.join(allowed)})"
    return {"type": "string", "pattern": f"^{word}(,{word})*$", "examples": [allowed[-1]]}


_SOME_TEXT: Final = {"type": "string", "pattern": r"^[^,\s]+(,[^,\s]+)*$"}

StatusWords = Annotated[str, WithJsonSchema(one_or_more(STATUSES))]
ModeWords = Annotated[str, WithJsonSchema(one_or_more(MODES))]
SomeWords = Annotated[str, WithJsonSchema(_SOME_TEXT)]
UntilWord = Annotated[str, WithJsonSchema({"type": "string", "pattern": f"{INSTANT_PATTERN}|^latest$"})]
PeriodWord = Annotated[str, WithJsonSchema({"type": "string", "enum": list(PERIODS)})]
GranularityWord = Annotated[str, WithJsonSchema({"type": "string", "enum": list(GRANULARITIES)})]
RangeWord = Annotated[str, WithJsonSchema({"type": "string", "enum": list(DATE_RANGES)})]

Timezone = Annotated[
    str | None,
    Query(
        description="IANA name: where days, weeks and months begin, and what a date means. Default: the server's.",
        examples=["Europe/Berlin"],
    ),
]
ExecutionId = Annotated[str, Path(description="Id of the execution.", examples=["exec_1234567890"])]
NodeId = Annotated[str, Path(description="Id of the node.", examples=["slack_1"])]
Cursor = Annotated[
    str | None,
    Query(
        description="`nextCursor` of the page before, with the same filters and sort; opaque and signed. "
        "Altered, or used with another question: 400 INVALID_CURSOR."
    ),
]


async def filter_words(
    workflow_id: Annotated[
        list[SomeWords] | None,
        Query(alias="filter[workflowId]", description="Only these workflows; comma or repeated."),
    ] = None,
    status: Annotated[
        list[StatusWords] | None,
        Query(
            alias="filter[status]",
            description="Only these statuses: queued, running, success, failed, cancelled, timeout; comma or repeated.",
        ),
    ] = None,
    mode: Annotated[
        list[ModeWords] | None,
        Query(
            alias="filter[mode]",
            description="Only these modes: manual, trigger, webhook, scheduled, retry; comma or repeated.",
        ),
    ] = None,
    date_range: Annotated[
        RangeWord | None,
        Query(
            alias="filter[dateRange]",
            description="1d, 7d or 30d: placed (started, else created) at most so long ago. custom: from "
            "filter[startDate] to filter[endDate], at least one of them.",
        ),
    ] = None,
    start_date: Annotated[
        InstantWord | None,
        Query(
            alias="filter[startDate]",
            description="First instant, ISO 8601, or a date: its midnight. With or without filter[dateRange]=custom.",
        ),
    ] = None,
    end_date: Annotated[
        InstantWord | None,
        Query(
            alias="filter[endDate]",
            description="First instant after the range (not included), ISO 8601, or a date: its midnight.",
        ),
    ] = None,
    error_type: Annotated[
        list[SomeWords] | None,
        Query(alias="filter[errorType]", description="Only errors of these classes; comma or repeated."),
    ] = None,
    fingerprint: Annotated[
        str | None,
        Query(alias="filter[fingerprint]", description="Only this group of like errors: `errorFingerprint` of one."),
    ] = None,
    error: Annotated[
        str | None,
        Query(alias="filter[error]", description="Stands in the error message, upper and lower case alike."),
    ] = None,
    min_duration: Annotated[
        float | None,
        Query(
            alias="filter[minDuration]", ge=0, allow_inf_nan=False, description="Ended, and lasted this many seconds."
        ),
    ] = None,
    retry_of: Annotated[
        str | None, Query(alias="filter[retryOf]", description="Only retries of this execution.")
    ] = None,
) -> FilterWords:
    """The filters of lists and exports, as they were given."""
    return FilterWords(
        workflow_ids=words("filter[workflowId]", workflow_id),
        statuses=words("filter[status]", status),
        modes=words("filter[mode]", mode),
        date_range=date_range,
        start_date=start_date,
        end_date=end_date,
        error_types=words("filter[errorType]", error_type),
        fingerprint=fingerprint,
        error_text=error,
        min_duration_s=min_duration,
        retry_of=retry_of,
    )


def included(given: Sequence[str] | None) -> frozenset[str]:
    """The words of `include`. Raises BadInputError for an unknown one."""
    found = words("include", given)
    for word in found:
        if word not in INCLUDES:
            raise BadInputError(
                f"include {word[:100]!r} is unknown; allowed: {', '.join(INCLUDES)}", field="include", value=word
            )
    return frozenset(found)


async def only_known_parameters(request: Request) -> None:
    """A misspelt parameter must not be answered with other records or numbers.

    Raises BadInputError for a name that the route does not have, and for one given twice that takes one value.
    """
    route = request.scope.get("route")
    assert isinstance(route, APIRoute)
    known = dict(_query_fields(route.dependant))
    for name in request.query_params:
        if name not in known:
            allowed = f"allowed: {', '.join(known)}" if known else "this path takes none"
            raise BadInputError(f"there is no parameter {name[:100]!r}; {allowed}", field=name[:100], value=name)
        if not known[name] and len(request.query_params.getlist(name)) > 1:
            raise BadInputError(f"parameter {name!r} is given more than once; give it once", field=name)


def _query_fields(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    """(name, may it be repeated) of every query parameter of a route and of what it depends on."""
    for field in dependant.query_params:
        yield field.alias, "list[" in str(field.field_info.annotation)
    for part in dependant.dependencies:
        yield from _query_fields(part)
