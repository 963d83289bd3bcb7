"""What the description cannot say in JSON schema: rules between two parameters, signed cursors."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema_rs
import schemathesis

from api.models.ingest_schema import EXECUTION, LOG_LINE

RULES = re.compile(
    r"both period .* and since .* are given"
    r"|is given beside filter\[dateRange\]"
    r"|wants filter\[startDate\], filter\[endDate\] or both"
    r"|is later than filter\[endDate\]"
    r"|since .* is not before until"
    r"|the period from .* is too long"
    r"|would begin before the year 1"
    r"|steps of one .* are too many"
    r"|unknown timezone"
)
"""Refusals of valid values that do not go together."""

CODES = (
    *("INVALID_CURSOR", "RECORDS_REJECTED", "TOO_MANY_EXECUTIONS", "WEBHOOK_URL_REFUSED"),
    *("INVALID_ALERT", "INVALID_SCHEDULE", "INVALID_REPORT"),
)
"""A cursor is signed; a record may contradict itself (it stopped before it started); `limit` may be too small; cron
rules, conditions and targets have a language of their own."""


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    """A long poll does wait as long as it is told, and a stream of events goes on until it is left."""
    if case.path == "/v1/executions/events" and (case.query or {}).get("follow") in (None, True, "true"):
        case.query = {**(case.query or {}), "follow": "false"}
    try:
        waits = float((case.query or {}).get("wait", 0)) > 1
    except (TypeError, ValueError):
        return
    if waits:
        case.query["wait"] = 0.2


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """A refusal of schema-valid data is none where one of those rules is broken; see the two below for the reverse."""
    if type(failure).__name__ == "AcceptedNegativeData":
        return not (_single_word(case) or _other_spelling(case))
    if type(failure).__name__ != "RejectedPositiveData" or response.status_code != 400:
        return True
    error = json.loads(response.content)["error"]
    return not (error["code"] in CODES or RULES.search(error["message"]))


def _single_word(case: Any) -> bool:
    """A number where a list of words belongs: invalid as JSON, but in a query `x=0.0` is a list of the word "0.0"."""
    lists = {
        parameter.name
        for parameter in case.operation.query
        if any(branch.get("type") == "array" for branch in parameter.definition["schema"].get("anyOf", ()))
    }
    query = dict(case.query or {})
    return any(name in lists and isinstance(value, bool | int | float) for name, value in query.items())


def _other_spelling(case: Any) -> bool:
    """Records in whose ids and instants only the pattern is missed: it is how to write them, and more is understood."""
    schema = {"/v1/executions": EXECUTION, "/v1/executions/{id}/logs": LOG_LINE}.get(case.path)
    if schema is None or case.method != "POST":
        return False
    allowed = jsonschema_rs.validator_for(_without_patterns(schema))
    records = case.body if isinstance(case.body, list) else [case.body]
    return all(isinstance(record, dict) and allowed.is_valid(record) for record in records)


def _without_patterns(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_patterns(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {name: _without_patterns(part) for name, part in schema.items() if name not in ("pattern", "maxLength")}
