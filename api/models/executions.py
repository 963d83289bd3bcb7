"""Executions, their data and their logs as the API describes them. What fills them is in api/reading/execution_json.py.

Typed dictionaries, because a key whose value is not known is left out; it is never null.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, NotRequired

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict

from api.models.shared import Count, Instant
from warehouse.schema import LogLevel, Mode, Status

_CLOSED: Final = ConfigDict(extra="forbid")
_Data = Annotated[Any, Field(description="As the engine gave it, secrets masked: usually a list of items.")]
_Duration = Annotated[float, Field(description="Wall-clock seconds from start to stop.", examples=[15.2])]


class TriggerModel(TypedDict):
    """What started the execution."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    type: NotRequired[str]
    source: NotRequired[str]
    payload: NotRequired[Annotated[Any, Field(description="With include=data: what the trigger brought.")]]
    timestamp: NotRequired[Instant]


class ExecutionErrorModel(TypedDict):
    """Why it failed."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    type: NotRequired[Annotated[str, Field(description="Class of the error.", examples=["ConnectionError"])]]
    message: NotRequired[str]
    stack: NotRequired[Annotated[str, Field(description="With include=error.")]]
    nodeId: NotRequired[Annotated[str, Field(description="The node that raised it.")]]
    timestamp: NotRequired[Instant]


class MetadataModel(TypedDict):
    """What was measured."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    retryCount: NotRequired[Annotated[int, Field(description="Retries that came before this one.")]]
    queueTime: NotRequired[Annotated[float, Field(description="Seconds between creation and start.")]]
    memoryUsage: NotRequired[Annotated[float, Field(description="Peak memory in MiB.")]]
    nodeCount: NotRequired[Annotated[int, Field(description="Number of node runs.")]]
    dataTransferred: NotRequired[Annotated[int, Field(description="Bytes.")]]


class NodeRunModel(TypedDict):
    """One run of one node."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    nodeId: str
    nodeName: NotRequired[str]
    nodeType: NotRequired[str]
    status: Status
    startedAt: NotRequired[Instant]
    stoppedAt: NotRequired[Instant]
    duration: NotRequired[_Duration]
    runIndex: NotRequired[Annotated[int, Field(ge=0, description="Only where the node ran more than once; from 0.")]]
    inputData: NotRequired[_Data]
    outputData: NotRequired[_Data]
    error: NotRequired[ExecutionErrorModel]


class LogLineModel(TypedDict):
    """One line of the log."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    timestamp: Instant
    level: LogLevel
    nodeId: NotRequired[str]
    message: str
    data: NotRequired[Annotated[Any, Field(description="Object beside the line.")]]


class UnavailableModel(TypedDict):
    """What is not shown although the execution had it: `expired` (dropped by retention) or `notStored` (the server is
    set to keep no inputs and outputs).
    """

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    nodes: NotRequired[str]
    data: NotRequired[str]
    logs: NotRequired[str]


class ExecutionModel(TypedDict):
    """One execution. In a list without executionData, unless include=data."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    id: str
    workflowId: NotRequired[str]
    workflowName: NotRequired[str]
    status: Status
    mode: Mode
    trigger: NotRequired[TriggerModel]
    startedAt: NotRequired[Annotated[Instant, Field(description="Absent: it has not begun.")]]
    stoppedAt: NotRequired[Annotated[Instant, Field(description="Absent: it has not ended.")]]
    duration: NotRequired[_Duration]
    inputData: NotRequired[_Data]
    outputData: NotRequired[_Data]
    executionData: NotRequired[Annotated[list[NodeRunModel], Field(description="The node runs, as they ran.")]]
    logs: NotRequired[Annotated[list[LogLineModel], Field(description="With include=logs: the first lines.")]]
    logsNextCursor: NotRequired[
        Annotated[str, Field(description="There are more lines: go on with GET …/logs?cursor=.")]
    ]
    error: NotRequired[ExecutionErrorModel]
    errorFingerprint: NotRequired[Annotated[str, Field(description="Group of like errors; for filter[fingerprint].")]]
    metadata: NotRequired[MetadataModel]
    retryOf: NotRequired[Annotated[str, Field(description="The execution that this one repeats.")]]
    retrySuccessId: NotRequired[Annotated[str, Field(description="The retry that succeeded.")]]
    waitTill: NotRequired[Annotated[Instant, Field(description="A waiting execution goes on then.")]]
    workflowVersionId: NotRequired[str]
    parentExecutionId: NotRequired[str]
    parentWorkflowId: NotRequired[str]
    customData: NotRequired[Annotated[Any, Field(description="The user's own keys.")]]
    source: NotRequired[Annotated[str, Field(description="The engine the record came from, where it is another's.")]]
    sourceStatus: NotRequired[Annotated[str, Field(description="That engine's own word.")]]
    sourceMode: NotRequired[Annotated[str, Field(description="That engine's own word.")]]
    unavailable: NotRequired[UnavailableModel]
    createdAt: Instant
    updatedAt: Instant


class PaginationModel(TypedDict):
    """Where the list goes on."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    limit: Annotated[int, Field(ge=1, le=100)]
    hasMore: bool
    nextCursor: NotRequired[Annotated[str, Field(description="`cursor` of the next page; absent on the last one.")]]
    total: Annotated[Count, Field(description="All executions that match, on all pages; exact.")]


class ExecutionListModel(TypedDict):
    """One page of executions."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    data: list[ExecutionModel]
    pagination: PaginationModel


class RunDataModel(TypedDict):
    """What one run of a node got and gave."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    runIndex: Annotated[int, Field(ge=0)]
    input: _Data
    output: _Data


class NodeDataModel(TypedDict):
    """What a node got and gave. Of a node that ran more than once: the items of all runs, one run after the other."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    input: _Data
    output: _Data
    runs: NotRequired[Annotated[list[RunDataModel], Field(description="Only where the node ran more than once.")]]


class ExecutionDataModel(TypedDict):
    """Inputs and outputs of an execution's nodes."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    executionId: str
    nodes: Annotated[dict[str, NodeDataModel], Field(description="By node id, in the order in which they ran first.")]
    unavailable: NotRequired[UnavailableModel]


class OneNodeDataModel(TypedDict):
    """Inputs and outputs of one node."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    nodeId: str
    nodeName: NotRequired[str]
    input: _Data
    output: _Data
    runIndex: NotRequired[Annotated[int, Field(description="The run that was asked for.")]]
    runs: NotRequired[Annotated[list[RunDataModel], Field(description="Only where the node ran more than once.")]]
    unavailable: NotRequired[UnavailableModel]


class LogPaginationModel(TypedDict):
    """Where the log goes on."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    limit: Annotated[int, Field(ge=1, le=1000)]
    hasMore: bool
    nextCursor: NotRequired[Annotated[str, Field(description="`cursor` of the next page; absent on the last one.")]]


class LogsModel(TypedDict):
    """Lines of an execution's log, oldest first."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]
    executionId: str
    logs: list[LogLineModel]
    pagination: NotRequired[
        Annotated[
            LogPaginationModel, Field(description="Only where these are not all lines: a limit cut, or a cursor.")
        ]
    ]
    unavailable: NotRequired[UnavailableModel]
