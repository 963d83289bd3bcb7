"""The server's log: one line an event on stderr, as logfmt or JSON, each with the id of its request.

Secrets never come here: what is logged of a request is its path, never its query, headers or body.
"""

from __future__ import annotations

import json
import logging
import logging.config
import re
from datetime import UTC, datetime
from typing import Any, Final

from api.edge.boundary import REQUEST_ID
from api.models import instant_text

_PLAIN: Final = re.compile(r"[^\s\"=\\\x00-\x1f\x7f-\x9f]+")
_SECRET: Final = re.compile(r"rl_[0-9a-f]{12}_[0-9a-f]{64}")


class LineFormatter(logging.Formatter):
    """From a record to one line."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """at, level, logger, message, request_id, then the record's own fields, then the traceback."""
        fields: dict[str, Any] = {
            "at": instant_text(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (request_id := REQUEST_ID.get()) is not None:
            fields["request_id"] = request_id
        fields |= getattr(record, "fields", {})
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        line = json.dumps(fields, ensure_ascii=False, default=str) if self._as_json else _logfmt(fields)
        return _SECRET.sub("rl_…", line)  # a token in an exception's text, or in a path by mistake


def _logfmt(fields: dict[str, Any]) -> str:
    return " ".join(f"{key}={_word(value)}" for key, value in fields.items() if value is not None)


def _word(value: Any) -> str:
    text = str(value)
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def log_config(log_format: str) -> dict[str, Any]:
    """For logging.config and uvicorn: our lines from `runlake.*`, warnings of everything else."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": LineFormatter, "as_json": log_format == "json"}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "line"},
        },
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "runlake": {"level": "INFO"},
            "uvicorn": {"level": "WARNING"},
            "uvicorn.error": {"level": "WARNING"},
        },
    }
