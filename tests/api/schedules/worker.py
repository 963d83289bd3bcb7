"""One process that works schedules off until it is killed: `… tests.api.schedules.worker LAKE HOT ARCHIVE PORT AT`.

With a last argument it kills itself there: `made` (the report is in the store, nothing is delivered) or a kind of
target (right after that one has it, before that is written down).
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import datetime, timedelta
from typing import Any

import api.schedules.runner
import warehouse
from api.schedules.deliver import Channels
from api.schedules.runner import Runner
from api.webhooks.addresses import AddressRules
from reports.delivery.smtp import SmtpServer
from warehouse.clock import now
from warehouse.hot.database import Database
from warehouse.settings import LakeSettings


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Work off, as fast as it can."""
    lake, hot_url, archive, mail_port, at_text, *end = sys.argv[1:]
    module: Any = api.schedules.runner
    if end == ["made"]:
        module.due_deliveries = lambda *_: die()
    elif end:
        delivered = module.deliver

        def deliver(channels: Any, target: Any, *rest: Any) -> Any:
            outcome = delivered(channels, target, *rest)
            if target.kind == end[0]:
                die()
            return outcome

        module.deliver = deliver
    mail = SmtpServer("127.0.0.1", int(mail_port), False, "runlake@example.org")
    channels = Channels(archive, AddressRules(private=True, http=True), os.environ, mail)
    house = warehouse.open(lake, LakeSettings(hot_url=hot_url))
    runner = Runner(house, Database.open(hot_url), channels)
    at, began = datetime.fromisoformat(at_text), now()
    print("ready", flush=True)
    while True:
        # An hour of the schedules' clock goes by in a second: what failed is soon tried again.
        runner.pass_over(at + (now() - began) * 3600 if not end else at + timedelta(seconds=1))
        time.sleep(0.01)


if __name__ == "__main__":
    main()
