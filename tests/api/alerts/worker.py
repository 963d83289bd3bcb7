"""One process that looks at alerts, as fast as it can, until it is killed: `python -m tests.api.alerts.worker`."""

from __future__ import annotations

import sys
import time
from datetime import datetime

import warehouse
from api.alerts.evaluator import Evaluator
from warehouse.clock import now
from warehouse.hot.database import Database
from warehouse.settings import LakeSettings

FASTER = 60
"""So many seconds of the alerts' clock go by in one."""


def main() -> None:
    """Look; the clock of the alerts began at the instant given."""
    lake, hot_url, began = sys.argv[1:]
    start = datetime.fromisoformat(began)
    house = warehouse.open(lake, LakeSettings(hot_url=hot_url))
    evaluator = Evaluator(house, Database.open(hot_url), every_s=30, public_url="https://runs.example.org")
    print("ready", flush=True)
    while True:
        evaluator.look_at_all(start + (now() - start) * FASTER)
        time.sleep(0.01)


if __name__ == "__main__":
    main()
