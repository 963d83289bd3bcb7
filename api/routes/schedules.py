"""/v1/schedules: reports that come by themselves; made, listed, paused, run, removed; what became of them."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.background import Background
from api.config import Config
from api.failures import ApiError
from api.models import ErrorModel
from api.models.schedules import (
    NewScheduleModel,
    RunModel,
    RunsModel,
    ScheduleBody,
    ScheduleModel,
    SchedulePatch,
    SchedulesModel,
)
from api.routes.deps import Principal, failures, requires
from api.routes.parameters import only_known_parameters
from api.schedules.due import next_due
from api.schedules.manage import allowed_by, rule_of, run_json, schedule_json, secrets_json
from api.schedules.seen import own_workflows, refusals
from warehouse.clock import now
from warehouse.hot.database import Database
from warehouse.hot.schedule_rule import Schedule
from warehouse.hot.schedules import (
    add_schedule,
    find_schedule,
    history,
    list_schedules,
    pause_schedule,
    remove_schedule,
    run_now,
)

router = APIRouter(prefix="/schedules", tags=["reports"], dependencies=[Depends(only_known_parameters)])

Manager = Annotated[Principal, Depends(requires("reports:manage"))]
ScheduleId = Annotated[str, Path(description="Id of the schedule.", examples=["sc_5f2b8c0e9d7a41f3"])]

_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    400: {
        "model": ErrorModel,
        "description": "INVALID_BODY; INVALID_SCHEDULE: what does not go together, or a name taken.",
    }
}
_MISSING: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": ErrorModel, "description": "SCHEDULE_NOT_FOUND: none of that id, or not for this token."}
}


@router.post(
    "",
    summary="Make a schedule",
    status_code=201,
    response_model=NewScheduleModel,
    responses={**failures(413, 415, 507), **_REFUSED},
)
def make_schedule(request: Request, principal: Manager, body: ScheduleBody) -> dict[str, Any]:
    """A report that is made and delivered by itself, by one of the server's processes.

    What was due while no server ran is made up once. Where the clocks change, a time that does not exist is made up
    right after, and one that comes twice counts once. What cannot be delivered is tried again for a day;
    `report.failed` and `report.delivered` are events. A token that is bound to workflows makes schedules about these
    only.
    """
    words = body.model_dump(exclude={"deliver", "status"})
    words["timezone"] = words["timezone"] or _config(request).timezone
    words["workflowId"] = own_workflows(principal, words["workflowId"] or ())
    folders = principal.may("admin") and principal.workflow_ids is None
    at = now()
    with refusals("INVALID_SCHEDULE"):
        rule = rule_of(words, body.deliver, at, allowed_by(_config(request), folders=folders))
        next_at = next_due(rule.cron, rule.timezone, at)
        made = add_schedule(_database(request), rule, next_at, paused=body.status == "paused")
    return {**schedule_json(made), "secrets": secrets_json(made)}


@router.get("", summary="List schedules", response_model=SchedulesModel, responses=failures(400, reading=False))
def get_schedules(request: Request, principal: Manager) -> dict[str, Any]:
    """All of them (there are at most 1,000), by name, with when they are due next."""
    found = list_schedules(_database(request), principal.workflow_ids)
    return {"schedules": [schedule_json(one) for one in found], "total": len(found)}


@router.get(
    "/{id}",
    summary="One schedule",
    response_model=ScheduleModel,
    responses={**failures(400, reading=False), **_MISSING},
)
def get_schedule(request: Request, principal: Manager, id: ScheduleId) -> dict[str, Any]:
    """What it is and when it is due next."""
    return schedule_json(_existing(request, principal, id))


@router.patch(
    "/{id}",
    summary="Pause a schedule, or let it go on",
    response_model=ScheduleModel,
    responses={**failures(413, 415, 507), **_REFUSED, **_MISSING},
)
def change_one(request: Request, principal: Manager, id: ScheduleId, body: SchedulePatch) -> dict[str, Any]:
    """Paused, it is not due; what is being delivered still is."""
    found = _existing(request, principal, id)
    next_at = next_due(found.rule.cron, found.rule.timezone, now())
    changed = pause_schedule(_database(request), found, paused=body.status == "paused", next_at=next_at)
    if changed is None:
        raise _not_found(id)
    return schedule_json(changed)


@router.delete(
    "/{id}",
    summary="Remove a schedule",
    status_code=204,
    response_class=Response,
    responses={**failures(400, 507, reading=False), **_MISSING},
)
def remove_one(request: Request, principal: Manager, id: ScheduleId) -> Response:
    """With its history and what was not delivered yet; its reports stay in the archive."""
    remove_schedule(_database(request), _existing(request, principal, id).schedule_id)
    return Response(status_code=204)


@router.post(
    "/{id}/run",
    summary="Run a schedule now",
    status_code=202,
    response_model=RunModel,
    responses={**failures(400, 507, reading=False), **_MISSING},
)
def run_one(request: Request, principal: Manager, id: ScheduleId) -> dict[str, Any]:
    """Make the report that would be due now and deliver it, also when paused; the history says what came of it."""
    begun = run_now(_database(request), _existing(request, principal, id), now())
    if begun is None:
        raise _not_found(id)
    worker: Background = request.app.state.schedules
    worker.poke()
    return run_json(begun, places=False)


@router.get(
    "/{id}/history",
    summary="What became of a schedule's reports",
    response_model=RunsModel,
    responses={**failures(400, reading=False), **_MISSING},
)
def get_history(
    request: Request,
    principal: Manager,
    id: ScheduleId,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most runs of an answer.")] = 100,
) -> dict[str, Any]:
    """The newest runs with their deliveries. Kept for 400 days."""
    found = _existing(request, principal, id)
    runs, total = history(_database(request), found.schedule_id, limit)
    return {"scheduleId": found.schedule_id, "runs": [run_json(run, places=False) for run in runs], "total": total}


def _existing(request: Request, principal: Principal, id: str) -> Schedule:
    found = find_schedule(_database(request), id)
    bound = principal.workflow_ids
    if found is None or found.schedule_id != id:
        raise _not_found(id)
    if bound is not None and not (found.rule.workflow_ids and bound.issuperset(found.rule.workflow_ids)):
        raise _not_found(id)
    return found


def _not_found(id: str) -> ApiError:
    return ApiError(404, "SCHEDULE_NOT_FOUND", f"there is no schedule with the id {id[:100]!r}", scheduleId=id[:100])


def _database(request: Request) -> Database:
    database: Database = request.app.state.hot.database
    return database


def _config(request: Request) -> Config:
    config: Config = request.app.state.config
    return config
