"""/v1/webhooks: who is told of events, what they were sent, and sending it again."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api.models import ErrorModel
from api.models.webhooks import (
    DeliveriesModel,
    DeliveryPagination,
    ResendBody,
    ResentModel,
    SentModel,
    WebhookBody,
    WebhookChangeBody,
    WebhookModel,
    WebhookSecretModel,
    WebhooksModel,
)
from api.reading.cursors import cursors_of
from api.reading.selection import parse_instant
from api.routes.deps import Principal, failures, requires
from api.routes.parameters import Cursor, only_known_parameters
from api.webhooks.json import changed_fields, delivery_model, fields_of, secret_model, webhook_model
from api.webhooks.registration import Registration

router = APIRouter(prefix="/webhooks", tags=["webhooks"], dependencies=[Depends(only_known_parameters)])

Manager = Annotated[Principal, Depends(requires("webhooks:manage"))]
WebhookId = Annotated[str, Path(description="Id of the webhook.", examples=["wh_5f2b8c0e9d7a41f3a6b8c2d1"])]
DeliveryId = Annotated[
    str, Path(description="Id of the delivery: `webhook-id`.", examples=["msg_5f2b8c0e9d7a41f3a6b8c2d1_4711"])
]


def _error(status: int, description: str) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ErrorModel, "description": description}}


_NOT_FOUND: Final = _error(404, "WEBHOOK_NOT_FOUND: none of that id, or not for this token.")
_REFUSED: Final = _error(400, "WEBHOOK_URL_REFUSED: no webhook may lead there. INVALID_BODY.")
_BODY: Final = {**failures(404, 413, 507), **_NOT_FOUND, **_REFUSED}
_PLAIN: Final = {**failures(404, 507), **_NOT_FOUND}
_OFF: Final = _error(409, "WEBHOOK_DISABLED: enable it first. TOO_MANY_EVENTS.")


def _registration(request: Request) -> Registration:
    found: Registration = request.app.state.webhooks
    return found


@router.post(
    "",
    summary="Register a webhook",
    status_code=201,
    response_model=WebhookSecretModel,
    responses={**failures(413, 507), **_REFUSED, **_error(409, "TOO_MANY_WEBHOOKS: there are 100.")},
)
async def create_webhook(request: Request, principal: Manager, body: WebhookBody) -> WebhookSecretModel:
    """Have events sent to a URL, from now on. The answer has the secret, which nothing shows again.

    Each event is a POST of `{"event", "executionId", "workflowId", "workflowName", "timestamp", "data"}`, signed as
    Standard Webhooks has it (`webhook-id`, `webhook-timestamp`, `webhook-signature`; use one of its libraries). Any 2xx
    within 15 seconds takes it; redirects are not followed. It comes at least once, so look at `webhook-id`; events of
    one execution come in order, unless one of them is in long retry. What fails is tried again after 5 s, 5 min,
    30 min, 2, 5, 10, 14, 20 and 24 h (later if `Retry-After` says so). 410, or nothing but failures for 120 h, disables
    the webhook (event `webhook.disabled`).

    The host must resolve to public addresses, at each delivery again; https only; unless the server's settings
    `webhook_private` and `webhook_http` allow more. A token that is bound to workflows makes webhooks of these.
    """
    return secret_model(await _registration(request).create(principal, fields_of(body)))


@router.get("", summary="List webhooks", response_model=WebhooksModel, responses=failures())
def list_webhooks(request: Request, principal: Manager) -> WebhooksModel:
    """All webhooks, oldest first; a token that is bound to workflows sees those of its workflows only."""
    registration = _registration(request)
    found, pending = registration.all(principal), registration.pending()
    return WebhooksModel(webhooks=[webhook_model(one, pending.get(one.id, 0)) for one in found])


@router.get("/{id}", summary="Get a webhook", response_model=WebhookModel, responses={**failures(404), **_NOT_FOUND})
def get_webhook(request: Request, principal: Manager, id: WebhookId) -> WebhookModel:
    """One webhook, without its secret."""
    registration = _registration(request)
    found = registration.get(principal, id)
    return webhook_model(found, registration.pending().get(id, 0))


@router.patch("/{id}", summary="Change a webhook", response_model=WebhookModel, responses=_BODY)
async def change_webhook(request: Request, principal: Manager, id: WebhookId, body: WebhookChangeBody) -> WebhookModel:
    """Change what is given. What waits is sent to the new URL.

    One that was paused goes on where it stopped, as far as events are kept; one that was disabled begins with what
    happens from now on (`POST /v1/webhooks/{id}/resend` brings what it missed).
    """
    registration = _registration(request)
    found = await registration.change(principal, id, changed_fields(body))
    return webhook_model(found, (await run_in_threadpool(registration.pending)).get(id, 0))


@router.delete("/{id}", summary="Delete a webhook", status_code=204, response_class=Response, responses=_PLAIN)
def delete_webhook(request: Request, principal: Manager, id: WebhookId) -> Response:
    """Delete it with its log; what waits is not sent."""
    _registration(request).remove(principal, id)
    return Response(status_code=204)


@router.post(
    "/{id}/rotate-secret", summary="Give a webhook a new secret", response_model=WebhookSecretModel, responses=_PLAIN
)
def rotate_secret(request: Request, principal: Manager, id: WebhookId) -> WebhookSecretModel:
    """For 24 hours requests carry two signatures, of the new and of the old secret; the answer shows the new one."""
    return secret_model(_registration(request).rotate(principal, id))


@router.post("/{id}/test", summary="Send a test", status_code=202, response_model=SentModel, responses=_PLAIN)
def test_webhook(request: Request, principal: Manager, id: WebhookId) -> SentModel:
    """Send an event `webhook.test`, once, whatever the webhook's status; the log says what came of it."""
    return SentModel(deliveryId=_registration(request).test(principal, id))


@router.get(
    "/{id}/deliveries",
    summary="The log of a webhook",
    response_model=DeliveriesModel,
    responses={**failures(404), **_NOT_FOUND},
)
def list_deliveries(
    request: Request,
    principal: Manager,
    id: WebhookId,
    status: Annotated[Literal["pending", "delivered", "failed"] | None, Query(description="Only these.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="Deliveries of a page.")] = 20,
    cursor: Cursor = None,
) -> DeliveriesModel:
    """What it was sent and is to be sent, newest first, with every attempt; kept for `webhook_log_days`."""
    cursors = cursors_of(request.app)
    question = ["webhook deliveries", id, status]
    before_no = cursors.unpack(question, cursor)[0] if cursor is not None else None
    found = _registration(request).page(principal, id, status, before_no, limit + 1)
    more = len(found) > limit
    return DeliveriesModel(
        deliveries=[delivery_model(one) for one in found[:limit]],
        pagination=DeliveryPagination(
            limit=limit,
            hasMore=more,
            nextCursor=cursors.pack(question, [found[limit - 1].delivery_no]) if more else None,
        ),
    )


@router.post(
    "/{id}/deliveries/{deliveryId}/resend",
    summary="Send a delivery again",
    status_code=202,
    response_model=SentModel,
    responses={**_PLAIN, **_error(404, "WEBHOOK_NOT_FOUND, DELIVERY_NOT_FOUND."), **_OFF},
)
def resend_delivery(request: Request, principal: Manager, id: WebhookId, deliveryId: DeliveryId) -> SentModel:  # noqa: N803 - the contract's way
    """Send it again at once, with the same `webhook-id` and all its retries, whatever came of it before."""
    _registration(request).resend(principal, id, deliveryId)
    return SentModel(deliveryId=deliveryId)


@router.post(
    "/{id}/resend",
    summary="Send all since an instant again",
    status_code=202,
    response_model=ResentModel,
    responses={**_BODY, **_error(400, "INVALID_BODY, INVALID_PARAMETER."), **_OFF},
)
def resend_since(request: Request, principal: Manager, id: WebhookId, body: ResendBody) -> ResentModel:
    """Send every event that was recorded since then and is for this webhook, whether it was sent before or not.

    They keep their `webhook-id`. At most 10,000 at a time: more are refused with 409.
    """
    since = parse_instant("since", body.since)
    resent = _registration(request).resend_since(principal, id, since)
    return ResentModel(deliveries=resent.deliveries, complete=resent.complete)
