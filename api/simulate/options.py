"""What to simulate, and to which server."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from ingest.generate_plan import MAX_WORKFLOWS
from warehouse.errors import BadInputError

DEFAULT_SERVER: Final = "http://127.0.0.1:8080"
RATE_MAX: Final = 10_000.0


@dataclass(frozen=True, slots=True)
class Server:
    """Where to report."""

    url: str
    """Base URL, http or https, without a user or password."""
    token: str | None = field(default=None, repr=False)
    """Sent as bearer. None: the server wants none."""

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
            bare = parts.username is None and not parts.query and not parts.fragment
        except ValueError:
            usable = bare = False
        # The values are not shown: there may be a secret in them.
        if not usable:
            raise BadInputError(f"--server is not a URL; give one such as {DEFAULT_SERVER}", field="--server")
        if not bare:
            raise BadInputError(
                f"--server has a user, a query or a fragment; give the base URL only, such as {DEFAULT_SERVER}, "
                "and a token by RUNLAKE_TOKEN",
                field="--server",
            )
        if self.token is not None and not (self.token.isascii() and self.token.isprintable() and " " not in self.token):
            raise BadInputError("the token has characters that no token has; copy it again", field="--token")


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """The same options plan the same executions; only ids and instants differ from run to run."""

    rate: float = 2.0
    """Executions that start in a second, on average; they come as in a Poisson process."""
    workflows: int = 40
    """How many workflows, 1..5000; their shares follow Zipf's law."""
    speed: float = 1.0
    """How much faster than usual all that an execution does passes: waiting, nodes, time limits."""
    seed: int = 1
    """0..2**31-1."""
    incident_every_s: float = 120.0
    """One incident in every so many seconds; it lasts a quarter to a half of them. 0: none."""
    duration_s: float | None = None
    """Seconds after which none starts any more. None: no end."""
    executions: int | None = None
    """How many are started. None: no end."""
    payloads: bool = False
    """With inputs and outputs of the nodes."""
    logs: bool = True
    """With log lines."""
    leave_running: bool = False
    """What runs when it is stopped is left as it is, instead of being reported as cancelled."""
    max_waiting: int = 5_000
    """Executions with unacknowledged reports from which on none is started: what bounds the memory."""

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("--rate", self.rate, 0.001, RATE_MAX),
            ("--workflows", self.workflows, 1, MAX_WORKFLOWS),
            ("--speed", self.speed, 0.001, 100_000.0),
            ("--seed", self.seed, 0, 2**31 - 1),
            ("--incident", self.incident_every_s, 0.0, 1e9),
            ("--duration", self.duration_s, 0.0, 1e9),
            ("--executions", self.executions, 1, 10**12),
        ):
            if value is not None and not (math.isfinite(value) and low <= value <= high):
                raise BadInputError(f"{name} is {value:g}; allowed: {low:g} to {high:g}", field=name, value=value)
