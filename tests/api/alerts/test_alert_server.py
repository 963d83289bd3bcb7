"""A server that looks at its alerts itself: event in the stream, message in the box, both with the same link."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

from tests.api.alerts.test_mail import Box, mail_server
from tests.api.records import record
from tests.api.serving import served
from tests.api.writing_app import app_over
from warehouse.clock import now


def test_a_served_app_looks_tells_and_mails(hot_url: str, tmp_path: Path) -> None:
    box = Box()
    with mail_server(box) as port:
        smtp_url, public_url = f"smtp://127.0.0.1:{port}", "https://runs.example.org"
        app = app_over(tmp_path, hot_url, alert_every_s=0.3, smtp_url=smtp_url, public_url=public_url)
        with served(app) as client:
            body = {"name": "pay", "kind": "failures", "threshold": 3, "emails": ["ops@example.org"]}
            made = client.post("/v1/alerts", json=body)
            assert made.status_code == 201, made.text
            at = now() - timedelta(seconds=10)
            records = [record(number, at, status="failed") for number in range(3)]
            assert client.post("/v1/executions", json=records).status_code == 200
            deadline_s = time.monotonic() + 60
            while not box.taken:
                assert time.monotonic() < deadline_s, "no message came"
                time.sleep(0.05)
            path = f"/v1/alerts/{made.json()['id']}"
            (firing,) = client.get(f"{path}/history").json()["firings"]
            assert client.get(path).json()["state"]["status"] == "firing"
            url = firing["fired"]["url"]
            assert url.startswith("https://runs.example.org/v1/executions?")
            assert client.get(url.removeprefix("https://runs.example.org")).json()["pagination"]["total"] == 3
            events = client.get("/v1/executions/events?follow=false&events=alert.firing&since=0").text
            assert events.count('"type":"alert.firing"') == 1
            assert url in events
            counted = 'runlake_alert_changes_total{change="firing"} 1.0'
            assert counted in client.get("/metrics").text
    part = box.taken[0].get_body(("plain",))
    assert part is not None
    assert url in part.get_content()
