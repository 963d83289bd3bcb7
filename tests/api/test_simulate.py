"""The simulator against a served app: what it says happened is what the server knows, whatever comes in between."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.simulate import Summary
from api.simulate.link import ServerAwayError
from tests.api.command import PROCESS, environment, run
from tests.api.process import ServerProcess
from tests.api.serving import served
from tests.api.simulating import Running, counts, execution, newest, simulated, until
from tests.api.tokens import made_token
from tests.api.writing_app import app_over, serving
from warehouse.errors import BadInputError

QUICK: dict[str, Any] = {"speed": 20.0}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    with serving(tmp_path) as client:
        yield client


def check(summary: Summary, client: httpx.Client) -> None:
    """All is acknowledged, and the server counts the same."""
    assert (summary.unacknowledged, summary.rejected) == (0, 0)
    assert sum(summary.by_status.values()) == summary.started + summary.retried
    assert counts(client) == summary.by_status


def test_it_ends_by_itself_and_the_server_counts_the_same(client: httpx.Client) -> None:
    with simulated(client, rate=100.0, executions=150, incident_every_s=0.5, workflows=8, **QUICK) as running:
        summary = running.wait()
    check(summary, client)
    assert (summary.started, summary.retried, summary.requests_repeated) == (150, 0, 0)
    assert set(summary.by_status) <= {"success", "failed", "timeout"}
    assert summary.by_status["failed"] > 0
    assert running.said("incident")
    assert summary.records > 2 * 150  # started, ended, and what lies between
    assert summary.acknowledged_p50_ms is not None
    failed = execution(client, newest(client, status="failed")[0]["id"])
    assert failed["error"]["nodeId"] == failed["executionData"][-1]["nodeId"]
    assert failed["executionData"][-1]["status"] == "failed"
    assert failed["metadata"]["nodeCount"] == len(failed["executionData"])
    assert [line["level"] for line in failed["logs"]][-2:] == ["error", "error"]
    logged = [len(execution(client, one["id"])["logs"]) for one in newest(client)]
    assert min(logged) >= 3
    # All lines are there: that it started, each node that was done, why it failed, that it ended.
    done = execution(client, newest(client, status="success")[0]["id"])
    assert len(done["logs"]) == 2 + len(done["executionData"])
    assert summary.log_lines > 150 * 3


def test_what_runs_is_told_node_by_node(client: httpx.Client) -> None:
    with simulated(client, rate=5.0, speed=1.0, workflows=3, payloads=True) as running:

        def half_way() -> list[dict[str, Any]]:
            ids = [one["id"] for one in newest(client, status="running")]
            records = [execution(client, one) for one in ids]
            return [one for one in records if len(one.get("executionData", ())) >= 2 and one["status"] == "running"]

        found = until(half_way)[0]
        running.stop()
        summary = running.wait()
    *done, current = found["executionData"]
    assert {one["status"] for one in done} == {"success"}
    assert current["status"] == "running"
    assert "stoppedAt" not in found
    assert "stoppedAt" not in current
    assert done[0]["outputData"] == [{"json": {"reference": found["id"], "step": 0}}]
    check(summary, client)
    assert summary.by_status["cancelled"] > 0
    ended = execution(client, found["id"])
    assert ended["status"] == "cancelled"
    assert [one["status"] for one in ended["executionData"]][-1] == "cancelled"


def test_what_is_left_running_stays_as_it_is(client: httpx.Client) -> None:
    with simulated(client, rate=100.0, speed=0.05, leave_running=True) as running:
        until(lambda: running.board.records > 100)
        running.stop()
        summary = running.wait()
    check(summary, client)
    assert set(summary.by_status) == {"queued", "running"}


def test_it_obeys_a_cancellation(client: httpx.Client) -> None:
    with simulated(client, rate=5.0, speed=0.2) as running:
        found = until(lambda: newest(client, status="running"))[0]["id"]
        assert client.post(f"/v1/executions/{found}/cancel").status_code == 200
        until(lambda: running.said("command"))
        assert running.said("command") == [f"cancel {found}: done"]
        running.stop()
        check(running.wait(), client)
    record = execution(client, found)
    assert record["status"] == "cancelled"
    assert record["executionData"][-1]["status"] == "cancelled"
    assert [line["message"] for line in record["logs"]][-1] == "Ended: cancelled"
    assert client.get("/v1/commands").json()["commands"] == []


def test_what_had_ended_before_it_was_cancelled_stays_what_it_was(tmp_path: Path) -> None:
    app = app_over(tmp_path)
    with served(app) as client, simulated(client, rate=1000.0, executions=12, speed=4.0) as running:
        until(lambda: newest(client, status="running"))
        app.state.intake.room.max_requests = 0  # it ends, and cannot say so
        until(lambda: running.board.active == 0)
        ids = [one["id"] for one in newest(client, status="running")]
        for id_ in ids:
            assert client.post(f"/v1/executions/{id_}/cancel").status_code == 200
        assert counts(client)["cancelled"] == len(ids) > 0
        app.state.intake.room.max_requests = 1000
        summary = running.wait()
        check(summary, client)
    assert summary.by_status == {"success": 12}
    assert summary.commands == {"failed": len(ids)}
    assert all("it had ended before: success" in one for one in running.said("command"))


def test_it_obeys_a_retry_from_the_node_asked_for(client: httpx.Client) -> None:
    with simulated(client, rate=20.0, workflows=3, seed=3, incident_every_s=1.0, **QUICK) as running:
        failed = until(lambda: newest(client, status="failed"))[0]
        node_id = execution(client, failed["id"])["executionData"][-1]["nodeId"]
        asked = client.post(f"/v1/executions/{failed['id']}/retry", json={"fromNode": node_id})
        assert asked.status_code == 202
        id_ = asked.json()["executionId"]
        until(lambda: execution(client, id_)["status"] in ("success", "failed", "timeout"))
        until(lambda: running.said("command"))
        running.stop()
        summary = running.wait()
    assert running.said("command") == [f"retry {id_}: done"]
    check(summary, client)
    assert (summary.retried, summary.commands) == (1, {"done": 1})
    record = execution(client, id_)
    assert (record["retryOf"], record["mode"], record["workflowId"]) == (failed["id"], "retry", failed["workflowId"])
    assert record["executionData"][0]["nodeId"] == node_id
    assert record["metadata"]["retryCount"] == 1
    assert record["createdAt"] <= record["startedAt"] <= record["stoppedAt"]


def test_it_refuses_what_it_does_not_know_with_a_reason(client: httpx.Client) -> None:
    other = {"id": "exec_other", "workflowId": "wf_other", "mode": "manual", "createdAt": "2026-03-01T12:00:00Z"}
    running_one = {**other, "id": "exec_running", "status": "running", "startedAt": "2026-03-01T12:00:00Z"}
    assert client.post("/v1/executions", json=[{**other, "status": "failed"}, running_one]).status_code == 200
    with simulated(client, rate=20.0, workflows=3, seed=3, incident_every_s=1.0, **QUICK) as running:
        assert client.post("/v1/executions/exec_running/cancel").status_code == 200
        id_ = client.post("/v1/executions/exec_other/retry").json()["executionId"]
        failed = until(lambda: [one for one in newest(client, status="failed") if one["workflowId"] != "wf_other"])[0]
        odd = client.post(f"/v1/executions/{failed['id']}/retry", json={"fromNode": "n9_none"}).json()["executionId"]
        until(lambda: len(running.said("command")) == 3)
        running.stop()
        summary = running.wait()
    assert summary.commands == {"failed": 3}
    said = " / ".join(running.said("command"))
    assert "cancel exec_running: failed: this engine knows no execution 'exec_running'" in said
    assert f"retry {id_}: failed: this engine has no workflow 'wf_other'" in said
    assert f"retry {odd}: failed: the workflow has no node 'n9_none'" in said
    assert execution(client, "exec_running")["status"] == "running"  # the cancellation is taken back
    assert execution(client, id_)["error"]["type"] == "EngineRefused"


def test_overload_loses_nothing_and_slows_it_down(tmp_path: Path) -> None:
    app = app_over(tmp_path)
    with served(app) as client:
        room = app.state.intake.room
        with simulated(client, rate=200.0, max_waiting=40, workflows=5, **QUICK) as running:
            until(lambda: running.board.records > 20)
            room.max_requests = 0
            until(lambda: running.board.held_s > 0.5)
            assert running.board.waiting < 40 + 60
            started = running.board.started
            time.sleep(0.3)
            assert running.board.started == started
            room.max_requests = 1  # fewer than it sends at a time
            until(lambda: running.board.started > started + 40)
            running.stop()
            summary = running.wait()
        check(summary, client)
    assert summary.requests_repeated > 0
    assert summary.held_s > 0.5
    troubles = running.said("trouble")
    assert any("429" in one for one in troubles)
    assert any("none is started" in one for one in troubles)
    assert "the server answers again" in troubles


def test_it_sustains_three_hundred_a_second(client: httpx.Client) -> None:
    with simulated(client, rate=300.0, duration_s=4.0, seed=5, logs=False, **QUICK) as running:
        summary = running.wait()
    check(summary, client)
    assert 1_000 < summary.started < 1_400
    assert summary.held_s == 0
    assert summary.log_lines == 0


def test_a_restart_of_the_server_in_between_loses_nothing(tmp_path: Path) -> None:
    hot_url = f"sqlite:///{tmp_path / 'state.db'}"
    with ServerProcess(tmp_path, hot_url) as first, Running(first.url, rate=40.0, workflows=5, **QUICK) as running:
        until(lambda: running.board.records > 60)
        first.kill()
        until(lambda: running.board.repeated > 1)
        until(lambda: running.board.waiting > 20)
        port = first.url.rpartition(":")[2]
        with ServerProcess(tmp_path, hot_url, None, "--port", port) as second:
            before = running.board.records
            until(lambda: running.board.records > before + 100)
            running.stop()
            summary = running.wait()
            with second.client() as client:
                check(summary, client)
    assert summary.started > 60
    assert any("cannot be reached" in one for one in running.said("trouble"))


def test_without_a_server_or_a_good_token_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(ServerAwayError, match="runlake serve"), Running("http://127.0.0.1:9") as running:
        running.wait()
    with served(app_over(tmp_path, no_auth=False)) as client:
        lake = tmp_path / "lake"
        for token in (None, "rl_wrong", made_token(lake, "reader", "executions:read")):
            with pytest.raises(BadInputError) as refused, simulated(client, token) as running:
                running.wait()
            assert token is None or token not in str(refused.value)
        good = made_token(lake, "engine", "executions:write")
        with simulated(client, good, rate=50.0, executions=5, **QUICK) as running:
            assert running.wait().rejected == 0
        narrow = made_token(lake, "narrow", "executions:write", workflow_ids=["wf_none"])
        with simulated(client, narrow, rate=50.0, executions=5, **QUICK) as running:
            summary = running.wait()
    assert (summary.rejected > 0, summary.records, summary.by_status) == (True, 0, {})
    assert "may not write records of this workflow" in running.said("trouble")[0]


def test_the_command_says_what_came_of_it(tmp_path: Path, client: httpx.Client) -> None:
    arguments = ["simulate", "--server", str(client.base_url), "--rate", "50", "-n", "20", "--speed", "20"]
    done = run(tmp_path, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["started"], summary["unacknowledged"], summary["seed"]) == (20, 0, 1)
    assert summary["byStatus"] == counts(client)
    plain = run(tmp_path, *arguments, "--incident", "0.2", "--seed", "4")
    assert plain.returncode == 0
    assert "20 started and 0 retried" in plain.stdout
    assert "incident: " in plain.stderr
    away = run(tmp_path, "simulate", "--server", "http://127.0.0.1:9")
    assert (away.returncode, away.stdout, away.stderr.count("\n")) == (5, "", 1)
    assert "runlake serve" in away.stderr
    wrong = run(tmp_path, "simulate", "--rate", "0")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)


def test_the_token_comes_from_the_environment_and_is_not_printed(tmp_path: Path) -> None:
    with served(app_over(tmp_path, no_auth=False)) as client:
        token = made_token(tmp_path / "lake", "engine", "executions:write")
        arguments = ["simulate", "--server", str(client.base_url), "--rate", "50", "-n", "5", "--speed", "20"]
        done = run(tmp_path, *arguments, environ={"RUNLAKE_TOKEN": f"{token}\n"})
        refused = run(tmp_path, *arguments, "--token", "rl_not_this_one")
    assert done.returncode == 0, done.stderr
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    for text in (done.stdout, done.stderr, refused.stdout, refused.stderr):
        assert token not in text
        assert "rl_not_this_one" not in text


def test_on_a_terminal_there_is_a_live_table(tmp_path: Path, client: httpx.Client) -> None:
    shown, terminal = pty.openpty()
    arguments = ["simulate", "--server", str(client.base_url), "--rate", "20", "-n", "30", "--speed", "20", "--json"]
    size = {"COLUMNS": "100", "LINES": "40", "TERM": "xterm"}
    process = subprocess.Popen(
        [*PROCESS, *arguments, "--incident", "1"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=terminal,
        env=environment(tmp_path, {"PYTHONPATH": str(Path.cwd()), **size}),
    )  # fmt: skip
    os.close(terminal)
    drawn = b""
    with contextlib.suppress(OSError):  # how Linux says that the other end is closed
        while part := os.read(shown, 65_536):
            drawn += part
    os.close(shown)
    stdout, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(stdout)["started"] == 30
    for word in ("started", "running", "unacknowledged", "acknowledged in", "last incidents"):
        assert word in drawn.decode()


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_ends_it_and_once_more_at_once(tmp_path: Path, presses: int) -> None:
    app = app_over(tmp_path)
    with served(app) as client:
        arguments = ["simulate", "--server", str(client.base_url), "--rate", "50", "--speed", "0.5", "--json"]
        process = subprocess.Popen(
            [*PROCESS, *arguments], cwd=tmp_path, env=environment(tmp_path, {"PYTHONPATH": str(Path.cwd())}),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        until(lambda: counts(client).get("running", 0) > 5)
        if presses == 2:
            app.state.intake.room.max_requests = 0
            time.sleep(1)
        for _ in range(presses):
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)
        stdout, stderr = process.communicate(timeout=60)
        summary = json.loads(stdout)
        if presses == 1:
            assert (process.returncode, summary["unacknowledged"]) == (0, 0), stderr
            assert summary["byStatus"]["cancelled"] > 5
            assert summary["byStatus"] == counts(client)
        else:
            assert process.returncode == 130
            assert summary["unacknowledged"] > 0
    assert "Traceback" not in stderr
