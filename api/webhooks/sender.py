"""One attempt to deliver: a signed POST, and what came of it."""

from __future__ import annotations

import asyncio
import email.utils
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import httpcore
from standardwebhooks import Webhook as Signer

from api.webhooks.addresses import AddressRefusedError, AddressRules, target_of
from api.webhooks.resolver import CheckedNetwork, Resolve

TIME_LIMIT_S: Final = 15.0
ANSWER_BYTES: Final = 2048
"""What is read and kept of an answer."""
PLAIN_HEADERS: Final[Mapping[str, str]] = {
    "Content-Type": "application/json",
    "User-Agent": "runlake",
    "Accept-Encoding": "identity",
    "Connection": "close",
}
"""Those of any POST of JSON."""
_RETRY_AFTER_MAX_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of it."""

    status: int | None
    """None: there was no answer."""
    latency_s: float
    answer: str | None
    """The first bytes of the answer's body. None: there was no answer."""
    error: str | None = None
    """Why it failed, for the log. None: it did not."""
    retry_after_s: float | None = None

    @property
    def delivered(self) -> bool:
        """Whether the receiver took it."""
        return self.error is None


class Sender:
    """Sends. Lives in one event loop."""

    def __init__(self, resolve: Resolve, rules: AddressRules, *, time_limit_s: float = TIME_LIMIT_S) -> None:
        self._rules = rules
        self._time_limit_s = time_limit_s
        # No connection is kept: each delivery looks the name up and checks what it gets.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=None,
            max_keepalive_connections=0,
            network_backend=CheckedNetwork(resolve, rules),
        )

    async def close(self) -> None:
        """Close what is open."""
        await self._pool.aclose()

    async def send(self, url: str, message_id: str, body: str, secrets: Sequence[str], at: datetime) -> Attempt:
        """POST a body, signed with every secret; never raises for what the receiver does."""
        return await self.post(url, signed_headers(message_id, body, secrets, at), body, at)

    async def post(self, url: str, headers: Mapping[str, str], body: str, at: datetime) -> Attempt:
        """POST a body with these headers; never raises for what the receiver does."""
        begun_s = time.monotonic()
        status: int | None = None
        answer: str | None = None
        retry_after_s: float | None = None
        error: str | None
        try:
            async with asyncio.timeout(self._time_limit_s):
                target_of(url, self._rules)
                async with self._pool.stream(
                    "POST", url, headers=[*headers.items()], content=body.encode()
                ) as response:
                    status = response.status
                    retry_after_s = _retry_after(response.headers, at)
                    error = _refusal(status)
                    answer = await _first_bytes(response)
        except AddressRefusedError as refused:
            error = str(refused)
        except TimeoutError:
            error = f"no complete answer within {self._time_limit_s:g} s"
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as failure:
            error = _failure(failure)
        return Attempt(status, time.monotonic() - begun_s, answer, error, retry_after_s)


def signed_headers(message_id: str, body: str, secrets: Sequence[str], at: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks, a signature for each secret, and those of any POST of JSON."""
    signatures = [Signer(secret).sign(message_id, at, body) for secret in secrets]
    return {
        **PLAIN_HEADERS,
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


async def _first_bytes(response: httpcore.Response) -> str:
    found = b""
    async for piece in response.aiter_stream():
        found += piece
        if len(found) >= ANSWER_BYTES:
            break
    return found[:ANSWER_BYTES].decode("utf-8", "replace").replace("\0", "\ufffd")


def _refusal(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if 300 <= status < 400:
        return f"it answered {status}: a redirect, which is not followed"
    return f"it answered {status}"


def _failure(failure: Exception) -> str:
    """Why there was no answer, without what is ours: paths, addresses of proxies."""
    if isinstance(failure, httpcore.TimeoutException):
        return "no connection in time"
    if isinstance(failure, httpcore.ProtocolError):
        return "its answer is not HTTP, or broke off"
    if isinstance(failure, httpcore.ConnectError):
        cause = failure.__cause__ or failure
        if isinstance(cause, ssl.SSLError) or "SSL" in str(failure) or "CERTIFICATE" in str(failure):
            return f"TLS failed: {str(failure)[:200]}"
        return "the connection was refused, or there is no way to it"
    if isinstance(failure, httpcore.NetworkError):
        return "the connection broke off"
    return f"its name cannot be looked up, or there is no way to it ({type(failure).__name__})"


def _retry_after(headers: Sequence[tuple[bytes, bytes]], at: datetime) -> float | None:
    """Seconds from now, at most a day. None: the header is not there, or makes no sense."""
    text = next((value.decode("latin-1").strip() for name, value in headers if name.lower() == b"retry-after"), None)
    if text is None:
        return None
    if text.isdecimal() and text.isascii():
        return min(float(text[:9]), _RETRY_AFTER_MAX_S)
    try:
        until = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return min(max((until - at).total_seconds(), 0.0), _RETRY_AFTER_MAX_S)
