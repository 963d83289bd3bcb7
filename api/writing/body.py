"""Bodies of requests: what they may be, decompressed as they come, within limits."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final, Literal

import zstandard
from fastapi import Request
from starlette.requests import ClientDisconnect

from api.failures import ApiError
from api.writing.room import Place

BodyKind = Literal["document", "lines"]

TYPES: Final[dict[str, BodyKind]] = {
    "application/json": "document",
    "application/x-ndjson": "lines",
    "application/ndjson": "lines",
    "application/jsonl": "lines",
    "application/x-jsonlines": "lines",
}
ENCODINGS: Final = ("gzip", "zstd", "identity")

_OUTPUT_BYTES: Final = 1 << 20
_ZSTD_SLICE_BYTES: Final = 2 << 10
"""So much of zstd data gives at most some 64 MB, however small it was made."""
_ZSTD_WINDOW_BYTES: Final = 64 << 20
_DRAIN_BYTES: Final = 256 << 20
_DRAIN_S: Final = 10.0


def body_kind(request: Request) -> BodyKind:
    """How the body is to be read. Raises ApiError 415; a body that does not say is taken for JSON."""
    given = request.headers.get("content-type", "application/json").split(";")[0].strip().lower()
    if given not in TYPES:
        raise ApiError(
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            f"Content-Type is {given[:100]!r}; allowed: {', '.join(list(TYPES)[:2])}",
            headers={"Accept-Post": ", ".join(list(TYPES)[:2])},
        )
    return TYPES[given]


async def whole_body(request: Request, place: Place, max_bytes: int) -> bytes:
    """The whole body, decompressed, held in `place`.

    Raises ApiError 413 naming the limit, 415 for an encoding we do not know, 400 for damaged compression, and what
    `place` raises when there is no room.
    """
    announced = _announced_bytes(request)
    if announced is not None and announced > max_bytes:
        raise too_large(max_bytes, announced)
    held = announced or 0
    place.take(held)
    pieces: list[bytes] = []
    size_bytes = 0
    async for piece in blocks(request):
        size_bytes += len(piece)
        if size_bytes > max_bytes:
            raise too_large(max_bytes, None)
        if size_bytes > held:
            place.take(size_bytes - held)
            held = size_bytes
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


async def blocks(request: Request) -> AsyncIterator[bytes]:
    """The body's bytes in order, decompressed, as they come; none longer than about a megabyte (zstd: 64).

    Raises ApiError 415, 400, and starlette's ClientDisconnect when the client goes away.
    """
    given = request.headers.get("content-encoding", "identity").strip().lower()
    name = {"x-gzip": "gzip", "": "identity"}.get(given, given)
    if name not in ENCODINGS:
        raise ApiError(
            415,
            "UNSUPPORTED_CONTENT_ENCODING",
            f"Content-Encoding is {given[:100]!r}; allowed: {', '.join(ENCODINGS)}",
            headers={"Accept-Encoding": "gzip, zstd"},
        )
    if name == "identity":
        async for chunk in request.stream():
            if chunk:
                yield chunk
        return
    inflate: _Gzip | _Zstd = _Gzip() if name == "gzip" else _Zstd()
    try:
        async for chunk in request.stream():
            for piece in inflate.feed(chunk):
                yield piece
                await asyncio.sleep(0)  # a small chunk can hold much: others get their turn
        inflate.close()
    except (zlib.error, zstandard.ZstdError, EOFError) as error:
        raise ApiError(400, "INVALID_BODY", f"the body is not {name}: {error}") from None


async def drain(request: Request) -> None:
    """Read on and forget, within limits: a client that is still sending would not see an answer that comes before.

    Not where the client waits to be told to send.
    """
    if "expect" in request.headers:
        return
    left_bytes = _DRAIN_BYTES
    try:
        async with asyncio.timeout(_DRAIN_S):
            async for chunk in request.stream():
                left_bytes -= len(chunk)
                if left_bytes < 0:
                    return
    except (TimeoutError, ClientDisconnect, RuntimeError):
        return


def too_large(max_bytes: int, size_bytes: int | None) -> ApiError:
    """413 for a whole body."""
    found = "is larger" if size_bytes is None else f"has {size_bytes} bytes"
    return ApiError(
        413,
        "PAYLOAD_TOO_LARGE",
        f"the body {found}; at most {max_bytes} bytes are allowed (after decompression): send fewer records at a time, "
        "or NDJSON (application/x-ndjson), which is read as it comes",
        limitBytes=max_bytes,
    )


def _announced_bytes(request: Request) -> int | None:
    """Content-Length of a body that is not compressed."""
    if request.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
        return None
    try:
        return int(request.headers["content-length"])
    except (KeyError, ValueError):
        return None


class _Gzip:
    """gzip data of any number of members."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._inflate.eof:
                data = data.lstrip(b"\0")  # padding behind a member is allowed
                if not data:
                    return
                self._inflate = zlib.decompressobj(wbits=31)
            piece = self._inflate.decompress(data, _OUTPUT_BYTES)
            if piece:
                yield piece
            data = self._inflate.unconsumed_tail or self._inflate.unused_data

    def close(self) -> None:
        if not self._inflate.eof:
            raise EOFError("it is cut off")


class _Zstd:
    """zstd data of any number of frames."""

    def __init__(self) -> None:
        self._new: Callable[[], zstandard.ZstdDecompressionObj] = zstandard.ZstdDecompressor(
            max_window_size=_ZSTD_WINDOW_BYTES
        ).decompressobj
        self._inflate = self._new()

    def feed(self, data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), _ZSTD_SLICE_BYTES):
            part = data[at : at + _ZSTD_SLICE_BYTES]
            while part:
                if self._inflate.eof:
                    self._inflate = self._new()
                piece = self._inflate.decompress(part)
                if piece:
                    yield piece
                part = self._inflate.unused_data if self._inflate.eof else b""

    def close(self) -> None:
        if not self._inflate.eof:
            raise EOFError("it is cut off")
