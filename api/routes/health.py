"""GET /healthz."""

from __future__ import annotations

from importlib import metadata

from fastapi import APIRouter, Response

from api.models import HealthModel
from api.routes.deps import FAILURES, OwnHouse

router = APIRouter(tags=["server"])


@router.get(
    "/healthz",
    summary="Whether the server can read its lake",
    response_model=HealthModel,
    responses=FAILURES,
)
def get_health(house: OwnHouse, response: Response) -> HealthModel:
    """Reads the newest version of the lake; costs about a millisecond."""
    response.headers["Cache-Control"] = "no-store"
    return HealthModel(status="ok", version=metadata.version("runlake"), lakeVersion=house.snapshot().version)
