"""A page in a real browser: the contract's example over WebSocket, EventSource with the session's cookie."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from fastapi.responses import HTMLResponse

from api.auth.gate import SESSION_COOKIE
from tests.api.live.streams import Served, event, put, serving
from tests.api.tokens import made_token
from tests.fixtures.chromium import browsing
from warehouse.clock import now

PAGE = """<!doctype html><meta charset="utf-8"><title>events</title><script>
let count = 0;
const tell = (where, what) => {
  if (what.type !== 'heartbeat') {
    fetch('/told/' + where, {method: 'POST', body: JSON.stringify({...what, order: ++count})});
  }
};
const stream = location.origin.replace('http', 'ws') + '/v1/executions/stream';

function listen(where, ws) {
  ws.onopen = () => {
    // Subscribe to execution events
    ws.send(JSON.stringify({
      type: 'subscribe',
      channels: ['executions', 'workflow:wf_123']
    }));
  };

  ws.onmessage = (event) => {
    const data = JSON.parse(event.data);
    tell(where, data);
  };
  ws.onclose = (event) => tell(where, {type: 'closed', code: event.code});
}

listen('session', new WebSocket(stream));
listen('subprotocol', new WebSocket(stream, ['runlake', 'bearer.TOKEN']));
fetch('/v1/executions/stream/ticket', {method: 'POST'})
  .then((answer) => answer.json())
  .then(({ticket}) => listen('ticket', new WebSocket(stream + '?ticket=' + ticket)));

const source = new EventSource('/v1/executions/events?channels=workflow:wf_123');
source.onopen = () => tell('source', {type: 'subscribed'});
source.onmessage = (event) => tell('source', {...JSON.parse(event.data), id: event.lastEventId});
</script>"""
POLICY = "default-src 'none'; script-src 'unsafe-inline'; connect-src 'self'"
WAYS = {"session", "subprotocol", "ticket", "source"}


@pytest.fixture
def told() -> queue.Queue[tuple[str, dict[str, Any]]]:
    return queue.Queue()


@pytest.fixture
def server(tmp_path: Path, told: queue.Queue[tuple[str, dict[str, Any]]]) -> Iterator[Served]:
    with serving(tmp_path, no_auth=False) as server:
        token = made_token(tmp_path / "lake", "browser", "executions:read")

        @server.app.get("/page")
        def _page() -> HTMLResponse:
            answer = HTMLResponse(PAGE.replace("TOKEN", token), headers={"Content-Security-Policy": POLICY})
            sessions = server.app.state.gate.sessions
            session = sessions.issue(token.split("_")[1], now() + timedelta(hours=1))
            answer.set_cookie(SESSION_COOKIE, session, httponly=True, samesite="lax")
            return answer

        @server.app.post("/told/{where}")
        async def _told(where: str, request: Request) -> None:
            told.put((where, await request.json()))

        yield server


def test_a_page_hears_of_what_happens(
    chromium: str, server: Served, told: queue.Queue[tuple[str, dict[str, Any]]]
) -> None:
    with browsing(chromium, f"{server.http.base_url}/page"):
        waiting = set(WAYS)
        while waiting:
            where, message = told.get(timeout=60)
            assert message["type"] == "subscribed", (where, message)
            waiting.remove(where)
        last = put(server.store, event(1, workflow_id="wf_1"), event(2, workflow_id="wf_123", data={"text": "Zoë"}))
        heard = [told.get(timeout=60) for _ in range(2 * 3 + 1)]
    heard.sort(key=lambda one: one[1]["order"])
    for way in WAYS:
        messages = [message for where, message in heard if where == way]
        assert [one["seq"] for one in messages] == ([last] if way == "source" else [last - 1, last])
        assert {"executionId": "exec_2", "data": {"text": "Zoë"}}.items() <= messages[-1].items()
        assert messages[-1].get("id") == (str(last) if way == "source" else None)
