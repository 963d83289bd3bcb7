"""/v1/alerts: rules made, listed, changed, removed, tested; their history."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from api.alerts.evaluate import is_over
from api.alerts.look import look, replay
from api.alerts.manage import (
    alert_json,
    changed,
    existing_alert,
    firing_json,
    look_json,
    refusals,
    replay_json,
    rule_of,
    visible_alerts,
)
from api.config import Config
from api.failures import ApiError
from api.models import ErrorModel
from api.models.alerts import (
    AlertBody,
    AlertHistoryModel,
    AlertModel,
    AlertPatch,
    AlertsModel,
    AlertTestBody,
    AlertTestModel,
)
from api.reading.selection import parse_instant
from api.routes.deps import OwnHouse, Principal, failures, requires
from api.routes.parameters import only_known_parameters
from warehouse.clock import now
from warehouse.errors import BadInputError
from warehouse.hot.alert_rule import AlertRule
from warehouse.hot.alerts import add_alert, history, remove_alert
from warehouse.hot.database import Database

router = APIRouter(prefix="/alerts", tags=["alerts"], dependencies=[Depends(only_known_parameters)])

Manager = Annotated[Principal, Depends(requires("webhooks:manage"))]
AlertId = Annotated[str, Path(description="Id of the alert.", examples=["al_5f2b8c0e9d7a41f3"])]

_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    400: {
        "model": ErrorModel,
        "description": "INVALID_BODY; INVALID_ALERT: its fields do not go together, or the name is taken.",
    }
}
_MISSING: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": ErrorModel, "description": "ALERT_NOT_FOUND: none of that id, or not for this token."}
}
_CHANGED: Final[dict[int | str, dict[str, Any]]] = {
    409: {"model": ErrorModel, "description": "ALERT_CHANGED: by somebody else, meanwhile."}
}


@router.post(
    "",
    summary="Make an alert",
    status_code=201,
    response_model=AlertModel,
    responses={**failures(413, 415, 507), **_REFUSED},
)
def make_alert(request: Request, principal: Manager, body: AlertBody) -> dict[str, Any]:
    """A rule over the statistics, looked at every `alert_every_s` seconds by one of the server's processes.

    When it fires and when it is resolved, that is an event (`alert.firing`, `alert.resolved`) in the stream and for the
    webhooks, and a message to each of `emails`. A token that is bound to workflows makes alerts for one of them.
    """
    words = body.model_dump()
    if not principal.sees(body.workflowId):
        allowed = ", ".join(principal.workflows())
        raise ApiError(
            400, "INVALID_ALERT", f"this token is bound to workflows; workflowId must be one of {allowed}",
            parameter="workflowId",
        )  # fmt: skip
    with refusals():
        return alert_json(add_alert(_database(request), _rule(request, words)))


@router.get("", summary="List alerts", response_model=AlertsModel, responses=failures(400, reading=False))
def get_alerts(request: Request, principal: Manager) -> dict[str, Any]:
    """All of them (there are at most 1,000), by name, with how they stand."""
    found = visible_alerts(_database(request), principal)
    return {"alerts": [alert_json(alert) for alert in found], "total": len(found)}


@router.get(
    "/{id}", summary="One alert", response_model=AlertModel, responses={**failures(400, reading=False), **_MISSING}
)
def get_alert(request: Request, principal: Manager, id: AlertId) -> dict[str, Any]:
    """Its rule and how it stands."""
    return alert_json(existing_alert(_database(request), principal, id))


@router.patch(
    "/{id}",
    summary="Change an alert",
    response_model=AlertModel,
    responses={**failures(413, 415, 507), **_REFUSED, **_MISSING, **_CHANGED},
)
def change_one(request: Request, principal: Manager, id: AlertId, body: AlertPatch) -> dict[str, Any]:
    """What is given is changed, the rest stays, its state too; `resolveThreshold: null` takes that away."""
    alert = existing_alert(_database(request), principal, id)
    words = body.model_dump(exclude_unset=True)
    with refusals():
        return alert_json(changed(_database(request), alert, _rule(request, words, alert.rule)))


@router.delete(
    "/{id}",
    summary="Remove an alert",
    status_code=204,
    response_class=Response,
    responses={**failures(400, 507, reading=False), **_MISSING},
)
def remove_one(request: Request, principal: Manager, id: AlertId) -> Response:
    """With its history and what was not mailed yet. One that fires ends without a word."""
    remove_alert(_database(request), existing_alert(_database(request), principal, id).alert_id)
    return Response(status_code=204)


@router.get(
    "/{id}/history",
    summary="When an alert fired",
    response_model=AlertHistoryModel,
    responses={**failures(400, reading=False), **_MISSING},
)
def get_history(
    request: Request,
    principal: Manager,
    id: AlertId,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most firings of an answer.")] = 100,
) -> dict[str, Any]:
    """The newest firings, with the numbers that were told and what became of the messages. Kept for 400 days."""
    alert = existing_alert(_database(request), principal, id)
    firings, total = history(_database(request), alert.alert_id, limit)
    return {"alertId": alert.alert_id, "firings": [firing_json(one) for one in firings], "total": total}


@router.post(
    "/{id}/test",
    summary="Try an alert",
    response_model=AlertTestModel,
    response_model_exclude_none=True,
    responses={**failures(413, 415), **_REFUSED, **_MISSING},
)
def try_one(
    request: Request, principal: Manager, id: AlertId, house: OwnHouse, body: AlertTestBody | None = None
) -> dict[str, Any]:
    """Look at it now and say what a look would do; with `since` say when it would have fired since then.

    Nothing is stored and nobody is told. How many were queued in the past is not kept: queueLength has no `since`.
    """
    config: Config = request.app.state.config
    alert = existing_alert(_database(request), principal, id)
    at = now().replace(microsecond=0)
    body = body or AlertTestBody()
    with refusals(), house.fork(pinned=True) as still:
        if body.since is None:
            if body.until is not None:
                raise BadInputError("until is given without since; give both, or neither for now", field="until")
            found = look(still, alert.rule, alert.state, at)
            return look_json(alert, found, config.public_url, over=is_over(alert.rule, found.numbers))
        since = parse_instant("since", body.since, config.timezone)
        until = at if body.until is None else parse_instant("until", body.until, config.timezone)
        every_s = max(1, round(config.alert_every_s))
        played = replay(still, alert, since, until, every_s=every_s, public_url=config.public_url)
        return replay_json(alert, at, played)


def _database(request: Request) -> Database:
    database: Database = request.app.state.hot.database
    return database


def _rule(request: Request, words: dict[str, Any], before: AlertRule | None = None) -> AlertRule:
    return rule_of(words, can_mail=request.app.state.config.smtp_url is not None, before=before)
