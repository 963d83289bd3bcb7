"""For a token that is bound to workflows the others do not exist, wherever one reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.config import Config
from tests.api.records import Record, load_records, record
from tests.api.serving import served
from warehouse.hot.database import Database
from warehouse.hot.tokens import create_token

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = {"since": "2026-03-01", "until": "2026-03-02"}
PATH = "/v1/executions"


def made(number: int, workflow: str | None) -> Record:
    start = AT + timedelta(minutes=number)
    node: Record = {"nodeId": f"node_{workflow}", "nodeName": "N", "nodeType": "set", "status": "failed"}
    node |= {"startedAt": start.isoformat(), "duration": 1.0, "outputData": [{"json": {}}]}
    line = {"timestamp": start.isoformat(), "level": "info", "message": "hi"}
    fields: dict[str, Any] = {"executionData": [node], "logs": [line], "workflowName": workflow}
    return record(number, start, 1000, "failed", workflowId=workflow, **fields)


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[httpx.Client, dict[str, str]]]:
    """A client, and the Authorization of everybody: `all`, `a`, `ab`, `c` (a workflow without executions)."""
    workflows = ["wf_a", "wf_b", "wf_c", None]
    records = [made(number, workflows[number % 4]) for number in range(12)]
    records = [one for one in records if one["workflowId"] != "wf_c"]
    config = Config(lake=load_records(tmp_path_factory.mktemp("bound"), records))
    database = Database.open(config.hot_url_or_default())
    bound = {"all": None, "a": ["wf_a"], "ab": ["wf_a", "wf_b"], "c": ["wf_c"]}
    said = {
        name: f"Bearer {create_token(database, name, ['executions:read'], workflow_ids=workflows)[1]}"
        for name, workflows in bound.items()
    }
    said["report"] = f"Bearer {create_token(database, 'report', ['reports:read'])[1]}"
    database.close()
    with served(create_app(config)) as client:
        yield client, said


def ask(clients: tuple[httpx.Client, dict[str, str]], who: str, path: str, **params: Any) -> httpx.Response:
    client, said = clients
    return client.get(f"{PATH}{path}", params=params, headers={"Authorization": said[who]})


@pytest.mark.parametrize(("who", "count"), [("all", 9), ("a", 3), ("ab", 6), ("c", 0)])
def test_lists_totals_statistics_and_exports(
    clients: tuple[httpx.Client, dict[str, str]], who: str, count: int
) -> None:
    page = ask(clients, who, "", limit=2).json()
    assert page["pagination"]["total"] == count
    if who != "all":
        allowed = {"a": {"wf_a"}, "ab": {"wf_a", "wf_b"}, "c": set()}[who]
        assert {one["workflowId"] for one in page["data"]} <= allowed
    assert ask(clients, who, "/export", format="ndjson").headers["x-row-count"] == str(count)
    found = ask(clients, who, "/statistics", **DAY).json()
    assert (found["totalExecutions"], found["byWorkflowTotal"]) == (count, count // 3)
    assert len(ask(clients, who, "/statistics/nodes", **DAY).json()["data"]) == count // 3
    errors = ask(clients, who, "/statistics/errors", **DAY).json()
    assert errors["failedExecutions"] == count
    assert sum(one["executions"] for one in errors["data"]) == count


def test_others_asked_for_by_name_are_not_there(clients: tuple[httpx.Client, dict[str, str]]) -> None:
    assert ask(clients, "a", "", **{"filter[workflowId]": "wf_b"}).json()["pagination"]["total"] == 0
    assert ask(clients, "a", "", **{"filter[workflowId]": "wf_b,wf_a"}).json()["pagination"]["total"] == 3
    assert ask(clients, "a", "/statistics", workflowId="wf_b", **DAY).json()["totalExecutions"] == 0
    assert ask(clients, "a", "/statistics/nodes", workflowId="wf_b", **DAY).json()["data"] == []
    assert ask(clients, "a", "/statistics/errors", workflowId="wf_b", **DAY).json()["failedExecutions"] == 0
    assert ask(clients, "a", "/export", **{"filter[workflowId]": "wf_b"}).headers["x-row-count"] == "0"


def test_a_foreign_execution_is_404_like_one_that_is_not_there(clients: tuple[httpx.Client, dict[str, str]]) -> None:
    for path in ("", "/data", "/logs", "/nodes/node_wf_b/data"):
        assert ask(clients, "ab", f"/exec_1{path}").status_code == 200
        for foreign in ("exec_1", "exec_3"):  # of another workflow, of none
            refused = ask(clients, "a", f"/{foreign}{path}")
            missing = ask(clients, "a", f"/exec_none{path}")
            assert refused.status_code == missing.status_code == 404
            assert (
                refused.json()["error"]["message"].replace(foreign, "exec_none") == missing.json()["error"]["message"]
            )


def test_cursors_and_tags_are_their_owners(clients: tuple[httpx.Client, dict[str, str]]) -> None:
    first = ask(clients, "all", "", limit=1)
    cursor = first.json()["pagination"]["nextCursor"]
    assert ask(clients, "a", "", cursor=cursor).json()["error"]["code"] == "INVALID_CURSOR"
    assert ask(clients, "a", "", limit=1).headers["etag"] != first.headers["etag"]


def test_latest_is_the_newest_of_ones_own(clients: tuple[httpx.Client, dict[str, str]]) -> None:
    assert ask(clients, "a", "/statistics", until="latest").json()["until"] == "2026-03-01T12:08:01Z"
    assert ask(clients, "all", "/statistics", until="latest").json()["until"] == "2026-03-01T12:11:01Z"


def test_without_the_scope_it_is_403_in_the_contracts_words(clients: tuple[httpx.Client, dict[str, str]]) -> None:
    client, _ = clients
    assert client.get(f"{PATH}/exec_1").status_code == 401
    for path in ("/exec_1", "/exec_none", "/exec_1/data", "/exec_1/logs", "/exec_1/nodes/n/data"):
        refused = ask(clients, "report", path)
        assert refused.status_code == 403
        error = refused.json()["error"]
        assert error.pop("timestamp")
        assert error == {
            "code": "INSUFFICIENT_PERMISSIONS",
            "message": "You don't have permission to access this execution",
            "requiredPermission": "executions:read",
        }
    for path in ("", "/export", "/statistics", "/statistics/nodes", "/statistics/errors"):
        assert ask(clients, "report", path).json()["error"]["requiredPermission"] == "executions:read"
