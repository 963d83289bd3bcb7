"""GET /executions/{id}: one execution: its nodes on a timeline, log, error, and what can be done about it."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from api.auth import Principal
from api.control.decisions import ACTIVE, RETRYABLE
from api.pages import times
from api.pages.accept import PageRoute
from api.pages.attempts import attempts
from api.pages.list_words import address
from api.pages.readers import PageAsker
from api.pages.rendering import page, render
from api.pages.rows import Row, row_of
from api.pages.timeline import timeline
from api.reading.executions import Asker, LogQuestion, execution_detail, execution_logs
from api.reading.json_text import encoded
from api.routes.deps import OwnHouse
from reports import format as fmt
from warehouse import Warehouse
from warehouse.clock import now
from warehouse.errors import BadInputError
from warehouse.schema import LOG_LEVELS

router = APIRouter(include_in_schema=False, route_class=PageRoute)

LOG_LINES: Final = 200
PART: Final = "X-Runlake-Part"
_PARAMETERS: Final = ("level", "node", "cursor")


@router.get("/executions/{id}")
def get_execution(request: Request, asker: PageAsker, house: OwnHouse, id: Annotated[str, Path()]) -> Response:
    """The page, or its row in lists for the script that shows it change."""
    found = execution_detail(house, asker, id, frozenset({"error"}))
    at = now()
    row = row_of(found, at)
    if request.headers.get(PART) == "row":
        return Response(
            render(request, "row.html.j2", principal=asker.principal, now=at, row=row), media_type="text/html"
        )
    said = _log_words(request)
    chain, more_attempts = attempts(house, asker.principal, row, at)
    return page(
        request,
        "execution.html.j2",
        principal=asker.principal,
        headers={"Vary": f"Accept, Cookie, {PART}"},
        now=at,
        row=row,
        api=f"/v1/executions/{quote(id, safe='')}",
        error=found.get("error", {}),
        error_node=_node_name(found),
        fingerprint=found.get("errorFingerprint"),
        group_url=address("/executions", {"filter[fingerprint]": found.get("errorFingerprint", "")}),
        facts=_facts(found, asker.timezone),
        parent=found.get("parentExecutionId"),
        custom=encoded(found["customData"]).decode() if "customData" in found else None,
        line=timeline(found, at),
        unavailable=found.get("unavailable", {}),
        attempts=chain,
        more_attempts=more_attempts,
        log=_log(house, asker, id, said),
        levels=[(level, address("", {**said, "level": level, "cursor": ""}) or "?") for level in LOG_LEVELS],
        said=said,
        actions=_actions(asker.principal, row),
        can=_can(asker.principal),
    )


def _can(principal: Principal) -> dict[str, bool]:
    return {"control": principal.may("executions:control"), "delete": principal.may("executions:delete")}


def _actions(principal: Principal, row: Row) -> list[str]:
    """What may be done to it now, by this token."""
    can = _can(principal)
    found = ["cancel"] if can["control"] and row.status in ACTIVE else []
    found += ["retry"] if can["control"] and row.status in RETRYABLE else []
    return found + (["delete"] if can["delete"] else [])


def _log_words(request: Request) -> dict[str, str]:
    asked = request.query_params.multi_items()
    for name, _ in asked:
        if name not in _PARAMETERS:
            raise BadInputError(
                f"there is no parameter {name[:100]!r}; allowed: {', '.join(_PARAMETERS)}", field=name[:100]
            )
    said = {name: value for name, value in asked if value}
    if said.get("level", "debug") not in LOG_LEVELS:
        raise BadInputError(
            f"level {said['level'][:100]!r} is unknown; allowed: {', '.join(LOG_LEVELS)}", field="level"
        )
    return said


def _log(house: Warehouse, asker: Asker, id: str, said: dict[str, str]) -> dict[str, Any]:
    """Lines of the log with their instants parsed, and the address of the next ones."""
    level: Any = said.get("level")
    question = LogQuestion(level, said.get("node"), LOG_LINES, said.get("cursor"))
    found = execution_logs(house, asker, id, question)
    lines = [
        {
            "at": times.parse(one["timestamp"]),
            "level": one["level"],
            "node": one.get("nodeId"),
            "message": one["message"],
            "data": encoded(one["data"]).decode() if "data" in one else None,
        }
        for one in found["logs"]
    ]
    next_cursor = found.get("pagination", {}).get("nextCursor")
    return {
        "lines": lines,
        "next_url": address("", {**said, "cursor": next_cursor}) + "#log" if next_cursor else None,
        "later": "cursor" in said,
        "gone": found.get("unavailable", {}).get("logs"),
    }


def _node_name(found: dict[str, Any]) -> str | None:
    """Of the node that raised the error."""
    node_id: str | None = found.get("error", {}).get("nodeId")
    nodes = found.get("executionData", ())
    return next((one.get("nodeName", node_id) for one in nodes if one["nodeId"] == node_id), node_id)


def _facts(found: dict[str, Any], zone: str) -> list[tuple[str, str]]:
    """(what, value in words) of what is known besides the header."""
    trigger, measured = found.get("trigger", {}), found.get("metadata", {})
    source = " from ".join(filter(None, (trigger.get("type"), trigger.get("source"))))
    waits = times.parse(found.get("waitTill"))
    facts = [
        ("Mode", found["mode"]),
        ("Trigger", source),
        ("Waited in the queue", _words(fmt.duration, measured.get("queueTime"))),
        ("Peak memory", _words(fmt.size, _bytes(measured.get("memoryUsage")))),
        ("Data", _words(fmt.size, measured.get("dataTransferred"))),
        ("Node runs", _words(fmt.count, measured.get("nodeCount"))),
        ("Retries before", _words(fmt.count, measured.get("retryCount") or None)),
        ("Goes on at", "" if waits is None else fmt.instant(waits, zone)),
        ("Workflow version", found.get("workflowVersionId")),
        ("Came from", _engine(found)),
    ]
    return [(what, value) for what, value in facts if value]


def _engine(found: dict[str, Any]) -> str:
    if "source" not in found:
        return ""
    said = found.get("sourceStatus")
    return f"{found['source']}, which says “{said}”" if said and said != found["status"] else str(found["source"])


def _words(say: Any, value: float | None) -> str:
    return "" if value is None else str(say(value))


def _bytes(value_mb: float | None) -> float | None:
    return None if value_mb is None else value_mb * 1024 * 1024
