"""The app over a lake, for tests: everybody may everything."""

from __future__ import annotations

from fastapi import FastAPI

from api.app import create_app
from api.config import Config
from api.edge.exposure import Exposure


def app_of(lake: str) -> FastAPI:
    """Served without tokens."""
    return create_app(Config(lake=lake), Exposure(no_auth=True))
