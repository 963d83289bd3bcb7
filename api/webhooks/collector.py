"""From the event log to deliveries: each webhook is led through the log, and what it wants is written down for it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import pyarrow as pa

from api.webhooks.payload import deliveries_of, wanted
from warehouse.hot.event_log import EventLog
from warehouse.hot.webhook_position import WebhookLeader
from warehouse.hot.webhooks import Webhook

BACKLOG_MAX: Final = 10_000
"""Deliveries of one webhook that wait; the others stay in the event log meanwhile, as long as it keeps them."""
READ_ROWS: Final = 2_000
SAVED_EVERY_ROWS: Final = 5_000
"""A position behind which nothing was wanted is written down so often only: who reads it again finds nothing again."""
_LOG: Final = logging.getLogger("runlake.webhooks")


class Collector:
    """Leads the webhooks; of one process and thread at a time."""

    def __init__(self, log: EventLog, leader: WebhookLeader) -> None:
        self._log = log
        self._leader = leader
        self._seen_no: dict[str, int] = {}

    def forget(self) -> None:
        """Begin again at the positions that are written down."""
        self._seen_no.clear()

    def collect(
        self, webhooks: Sequence[Webhook], waiting: Mapping[str, int], at: datetime
    ) -> tuple[dict[str, int], int]:
        """Read on for each enabled webhook; (new deliveries by webhook, events that were missed).

        `waiting`: how many deliveries each has. One piece of the log a webhook and call, so that none waits for a long
        way of another. Webhooks at the same position share what is read. Raises LeaseLostError, HotStoreError.
        """
        newest_no = self._log.newest()
        fresh: dict[str, int] = {}
        missed = 0
        pieces: dict[int, pa.Table] = {}
        for webhook in webhooks:
            if webhook.state != "enabled" or waiting.get(webhook.id, 0) >= BACKLOG_MAX:
                continue
            at_no = max(webhook.position_no, self._seen_no.get(webhook.id, 0))
            if at_no > newest_no:  # the log began anew
                self._leader.advance(webhook.id, webhook.position_no, newest_no, (), at, 0)
                self._seen_no.pop(webhook.id, None)
            elif at_no < newest_no:
                if at_no not in pieces:
                    pieces[at_no] = self._log.read(at_no, limit=READ_ROWS)
                lost, made = self._lead(webhook, at_no, pieces[at_no], at)
                missed += lost
                if made:
                    fresh[webhook.id] = made
        return fresh, missed

    def behind(self, webhooks: Sequence[Webhook]) -> bool:
        """Whether there is more to read for any of them right now."""
        newest_no = self._log.newest()
        return any(
            one.state == "enabled" and max(one.position_no, self._seen_no.get(one.id, 0)) < newest_no
            for one in webhooks
        )

    def _lead(self, webhook: Webhook, at_no: int, piece: pa.Table, at: datetime) -> tuple[int, int]:
        if not piece.num_rows:
            return 0, 0
        first_no, last_no = piece["event_no"][0].as_py(), piece["event_no"][-1].as_py()
        lost = first_no - at_no - 1
        if lost:
            _LOG.warning("webhook %s: %d events were forgotten before it could be told", webhook.id, lost)
        new = list(deliveries_of(wanted(piece, webhook), webhook))
        to_write = new or lost or last_no - webhook.position_no >= SAVED_EVERY_ROWS
        if to_write and not self._leader.advance(webhook.id, webhook.position_no, last_no, new, at, lost):
            self._seen_no.pop(webhook.id, None)  # it was changed meanwhile; the next round knows it as it is now
            return 0, 0
        self._seen_no[webhook.id] = last_no
        return lost, len(new)
