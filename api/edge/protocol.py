"""uvicorn's HTTP/1.1, except that what is no HTTP is answered with our error body too."""

from __future__ import annotations

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.failures import error_response


class Protocol(H11Protocol):
    """One connection."""

    def send_400_response(self, msg: str) -> None:
        """Answer what could not be parsed (a missing or doubled Host, a broken request line), and close."""
        # Half an answer may be out already when the broken part comes (a body that is not what its length said).
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            response = error_response(
                400,
                "BAD_REQUEST",
                "This is not a valid HTTP/1.1 request: the request line, a header (Host is required, once) or the "
                "body's length is wrong",
                {"Connection": "close", "Cache-Control": "no-store"},
            )
            head = h11.Response(status_code=400, headers=response.raw_headers, reason=b"Bad Request")
            for event in (head, h11.Data(data=bytes(response.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
