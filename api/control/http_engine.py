"""The engine is asked over HTTP, and what it does not acknowledge is not recorded."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any, Final

import httpx

from api.control.decisions import Decision, started
from api.control.engine import Outcome, command_json, engine_failed, engine_refused, engine_timeout, said_by
from api.control.recorder import Recorder
from api.failures import ApiError
from api.refusals import cannot_cancel
from warehouse.clock import now

SIDE_BY_SIDE: Final = 8
"""Requests under way at a time, of one bulk action."""
_ANSWER_BYTES: Final = 64 << 10
_HELD_S: Final = 30.0
"""Beyond the time limit: for recording."""


class HttpEngine:
    """A signed POST of each command to one URL.

    The body is the command as GET /v1/commands shows it. `webhook-id`, `webhook-timestamp` and `webhook-signature`
    (v1, base64 of HMAC-SHA256 over "id.timestamp.body") are those of Standard Webhooks, so that any of its libraries
    verifies them. 2xx: taken; its JSON body may say `executionId`, `status` (queued, running) and `startedAt` of a
    retry. 4xx: refused. Anything else: failed. Redirects are not followed.
    """

    name: Final = "http"

    def __init__(self, url: str, secret: str, time_limit_s: float = 10.0) -> None:
        self._url = url
        self._secret = secret.encode()
        self._time_limit_s = time_limit_s
        limits = httpx.Limits(max_connections=4 * SIDE_BY_SIDE)
        self._client = httpx.Client(
            timeout=httpx.Timeout(time_limit_s), follow_redirects=False, trust_env=False, limits=limits
        )

    def carry_out(self, decisions: Sequence[Decision], recorder: Recorder) -> list[Outcome]:
        """See Engine.carry_out. One after the other costs a request each; they run side by side."""
        if len(decisions) == 1:
            return [self._one(decisions[0], recorder)]
        with ThreadPoolExecutor(SIDE_BY_SIDE, "engine") as pool:
            return list(pool.map(lambda decision: self._one(decision, recorder), decisions))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _one(self, decision: Decision, recorder: Recorder) -> Outcome:
        command = decision.command
        claim = f"cancel:{decision.id}" if command.kind == "cancel" else f"retry:{command.execution_id}"
        if not recorder.hold(command, claim, self._time_limit_s + _HELD_S):
            return cannot_cancel(decision.id, decision.before["status"])
        try:
            answer = self._post(decision)
        except ApiError as error:
            recorder.settled(command.id, "failed", str(error))
            return error
        if command.kind == "retry":
            decision = started(decision, _text(answer, "executionId"), _text(answer, "status"), _instant(answer))
        refusals = recorder.record([decision], settles=command.id)
        if refusals:
            recorder.settled(command.id, "done")
        return refusals.get(decision.id, decision)

    def _post(self, decision: Decision) -> dict[str, Any]:
        body = json.dumps(command_json(decision.command)).encode()
        deadline_s = time.monotonic() + self._time_limit_s
        try:
            with self._client.stream(
                "POST", self._url, content=body, headers=self._headers(decision, body)
            ) as response:
                text = _read(response, deadline_s)
        except httpx.TimeoutException:
            raise engine_timeout(decision.id, self._time_limit_s) from None
        except httpx.HTTPError as error:
            raise engine_failed(decision.id, f"cannot be reached ({type(error).__name__})") from None
        answer = _object(text)
        if response.is_success:
            return answer
        if response.is_client_error:
            raise engine_refused(decision.id, response.status_code, said_by(answer))
        what = "answered with a redirect" if response.is_redirect else "failed"
        raise engine_failed(decision.id, f"{what} (status {response.status_code})")

    def _headers(self, decision: Decision, body: bytes) -> dict[str, str]:
        number, timestamp = decision.command.id, str(int(now().timestamp()))
        signed = hmac.new(self._secret, f"{number}.{timestamp}.".encode() + body, hashlib.sha256).digest()
        return {
            "Content-Type": "application/json",
            "User-Agent": "runlake",
            "webhook-id": number,
            "webhook-timestamp": timestamp,
            "webhook-signature": f"v1,{base64.b64encode(signed).decode()}",
        }


def _read(response: httpx.Response, deadline_s: float) -> bytes:
    """The answer; nothing of one that is too long. Raises httpx.ReadTimeout when it drips in for too long."""
    found = b""
    for piece in response.iter_bytes():
        found += piece
        if len(found) > _ANSWER_BYTES:
            return b""
        if time.monotonic() > deadline_s:
            raise httpx.ReadTimeout("the answer took too long")
    return found


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(answer: dict[str, Any], key: str) -> str | None:
    found = answer.get(key)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    return found if isinstance(found, str) and 0 < len(found.encode()) <= 512 else None


def _instant(answer: dict[str, Any]) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(answer.get("startedAt")))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
