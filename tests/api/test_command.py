"""The command from outside: what is on stdout, what is on stderr, the exit status."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.api.command import PROCESS, environment, run
from tests.api.records import load_records, record

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> str:
    records = [
        record(number, AT - timedelta(hours=number), status="failed" if number % 10 == 3 else "success")
        for number in range(50)
    ]
    records[7] |= {"workflowName": "=HYPERLINK(\x1b[31m)\nnext line"}
    records[5]["executionData"] = [
        {"nodeId": "a", "nodeName": "A", "nodeType": "http", "status": "success", "startedAt": records[5]["startedAt"]}
    ]
    return load_records(tmp_path_factory.mktemp("command"), records)


def test_stats_json_is_the_contracts_answer_and_nothing_else(tmp_path: Path, lake: str) -> None:
    done = run(tmp_path, "stats", "--lake", lake, "--until", "latest", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    body = json.loads(done.stdout)
    assert (body["period"], body["totalExecutions"], body["failedExecutions"]) == ("24h", 24, 3)


def test_stats_of_an_empty_period_says_what_to_type(tmp_path: Path, lake: str) -> None:
    done = run(tmp_path, "stats", "--lake", lake, "--period", "7d", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["totalExecutions"] == 0
    assert "the newest record is of 2026-03-01T12:00:00Z; try `runlake stats --period 7d --until latest`" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_lake_is_found_by_environment_and_by_file(tmp_path: Path, lake: str) -> None:
    assert run(tmp_path, "list", environ={"RUNLAKE_HOME": lake}).returncode == 0
    (tmp_path / "runlake.toml").write_text(f"lake = {lake!r}\ntimezone = 'Europe/Berlin'\n")
    done = run(tmp_path, "stats", "--until", "latest", "--json")
    assert json.loads(done.stdout)["timezone"] == "Europe/Berlin"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["stats", "--period", "2h"], 2, ["'2h'", "24h"]),
        (["stats", "--limit", "many"], 2, ["'many'", "integer", "runlake stats --help"]),
        (["stats", "--nope"], 2, ["--nope", "--help"]),
        (["stats", "--since", "x"], 2, ["'x'", "2026-11-23"]),
        (["stats", "--status", "done"], 2, ["'done'", "success"]),
        (["nothing"], 2, ["'nothing'", "--help"]),
        (["quarantine"], 2, ["--help"]),
        (["show", "exec_none"], 2, ["'exec_none'", "runlake list"]),
        (["export", "-o", "x.xlsx"], 2, ["'x.xlsx'", ".csv"]),
        (["export", "-o", "no/such/folder.csv"], 5, ["No such file"]),
        (["export", "--format", "csv", "-o", "/dev/full"], 5, ["No space left", "make room"]),
        (["list", "--period", "7d", "--until", "0001-01-01"], 2, ["7d", "give a later until"]),
        (["stats", "--lake", "per%20cent"], 2, ["per%20cent", "without it"]),
        (["sql", "SELEC 1"], 4, ["SELEC"]),
        (["sql", "SELECT nothing FROM executions"], 4, ["nothing"]),
        (["sql", "COPY executions TO 'x.csv'"], 2, ["reading statement"]),
        (["sql", "SELECT 1; SELECT 2"], 2, ["reading statement"]),
        (["sql", "FROM read_text('/etc/hostname')"], 4, ["Permission"]),
        (["sql"], 2, ["missing"]),
        (["serve", "--no-auth", "--host", "0.0.0.0"], 2, ["loopback", "'0.0.0.0'"]),
        (["ingest", "no-such-file"], 2, ["no-such-file"]),
        (["ingest", "-", "--format", "xml"], 2, ["'xml'", "n8n"]),
        (["ingest", "-", "--payloads", "some"], 2, ["'some'", "redact"]),
        (["report", "-o", "report.json"], 2, ["report.json"]),
    ],
)
def test_an_error_is_one_line_that_says_what_to_do(
    tmp_path: Path, lake: str, arguments: list[str], status: int, said: list[str]
) -> None:
    done = run(tmp_path, *arguments, environ={"RUNLAKE_HOME": lake})
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("runlake: ")
    assert done.stderr.count("\n") == 1
    for word in said:
        assert word in done.stderr


@pytest.mark.parametrize("verb", ["stats", "nodes", "errors", "list", "export", "verify", "compact", "report"])
def test_without_a_lake_every_verb_says_how_to_make_one(tmp_path: Path, verb: str) -> None:
    done = run(tmp_path, verb)
    assert (done.returncode, done.stdout) == (3, "")
    assert "runlake ingest PATH" in done.stderr
    assert not (tmp_path / "lake").exists()


def test_debug_shows_where(tmp_path: Path) -> None:
    assert "Traceback" not in run(tmp_path, "stats").stderr
    assert "Traceback" in run(tmp_path, "--debug", "stats").stderr
    assert "Traceback" in run(tmp_path, "stats", environ={"RUNLAKE_DEBUG": "1"}).stderr


def test_ingest_counts_every_record_and_twice_changes_nothing(tmp_path: Path) -> None:
    lines = [json.dumps(record(number, AT)) for number in range(3)]
    text = "\n".join([*lines, "{broken", json.dumps(record(9, AT, status="done"))]) + "\n"
    first = run(tmp_path, "ingest", "-", "--json", stdin=text)
    assert first.returncode == 1
    counts = json.loads(first.stdout)
    names = ("read", "new", "updated", "unchanged", "rejected")
    assert [counts[name] for name in names] == [5, 3, 0, 0, 2]
    assert "runlake quarantine list" in first.stderr
    again = json.loads(run(tmp_path, "ingest", "-", "--json", stdin=text).stdout)
    assert [again[name] for name in names] == [5, 0, 0, 3, 2]
    listed = json.loads(run(tmp_path, "quarantine", "list", "--records", "--json").stdout)
    assert listed["rejected"] == 2
    assert {one["raw"].strip() for one in listed["records"]} == {"{broken", text.splitlines()[4]}
    retried = run(tmp_path, "quarantine", "retry", "--json")
    assert (retried.returncode, json.loads(retried.stdout)["rejected"]) == (1, 2)
    plain = run(tmp_path, "ingest", "-", stdin="\n".join(lines))
    assert plain.returncode == 0
    assert plain.stdout.startswith("read 3: 0 new, 0 updated, 3 unchanged, 0 rejected")
    assert run(tmp_path, "verify").returncode == 0


def test_max_rejects_stops_with_status_1(tmp_path: Path) -> None:
    done = run(tmp_path, "ingest", "-", "--max-rejects", "0", "--json", stdin="{broken\n")
    assert done.returncode == 1
    assert json.loads(done.stdout)["stopped"] is True
    assert "--max-rejects" in done.stderr


def test_export_writes_a_file_whole_in_every_format(tmp_path: Path, lake: str) -> None:
    for name in ("a.csv", "a.json", "a.ndjson", "a.parquet", "a.arrow"):
        done = run(tmp_path, "export", "-o", name, "--lake", lake, "--json")
        assert json.loads(done.stdout)["rows"] == 50, done.stderr
    assert pq.read_table(tmp_path / "a.parquet").num_rows == 50
    assert pa.ipc.open_stream(tmp_path / "a.arrow").read_all().num_rows == 50
    assert len(json.loads((tmp_path / "a.json").read_text())) == 50
    assert len((tmp_path / "a.ndjson").read_text().splitlines()) == 50
    assert "'=HYPERLINK" in (tmp_path / "a.csv").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.arrow", "a.csv", "a.json", "a.ndjson", "a.parquet"]


def test_an_export_that_is_cut_says_so(tmp_path: Path, lake: str) -> None:
    done = run(tmp_path, "export", "--limit", "2", "--status", "failed", "--lake", lake)
    assert len(done.stdout.splitlines()) == 3
    assert "more match" in done.stderr


def test_list_and_show(tmp_path: Path, lake: str) -> None:
    page = json.loads(run(tmp_path, "list", "--status", "failed", "-n", "2", "--lake", lake, "--json").stdout)
    assert ([one["id"] for one in page["data"]], page["total"], page["hasMore"]) == (["exec_3", "exec_13"], 5, True)
    assert page["data"][0]["error"]["type"] == "ConnectionError"
    table = run(tmp_path, "list", "--status", "failed", "-n", "2", "--lake", lake).stdout
    assert "2 of 5 executions" in table
    shown = json.loads(run(tmp_path, "show", "exec_5", "--lake", lake, "--json").stdout)
    assert shown["startedAt"] == "2026-03-01T07:00:00Z"
    assert [one["nodeName"] for one in shown["executionData"]] == ["A"]
    assert "nodes" in run(tmp_path, "show", "exec_5", "--lake", lake).stdout


def test_text_of_records_cannot_steer_the_terminal(tmp_path: Path, lake: str) -> None:
    done = run(tmp_path, "list", "--lake", lake, "-n", "50")
    assert "\x1b" not in done.stdout
    assert "=HYPERLINK(\ufffd[31m) next line" in done.stdout
    assert len(done.stdout.splitlines()) == 51


def test_sql_in_every_form(tmp_path: Path, lake: str) -> None:
    query = "SELECT status, count(*) AS n, sum(1) AS hugeint FROM executions GROUP BY ALL ORDER BY n"
    rows = json.loads(run(tmp_path, "sql", query, "--json", "--lake", lake).stdout)
    assert rows == [{"status": "failed", "n": 5, "hugeint": 5}, {"status": "success", "n": 45, "hugeint": 45}]
    assert run(tmp_path, "sql", "-", "--csv", "--lake", lake, stdin=query).stdout.splitlines()[1] == "failed,5,5"
    table = run(tmp_path, "sql", "FROM range(5000) LIMIT 4000", "--lake", lake).stdout
    assert len(table.splitlines()) == 102
    assert "--limit 0 shows all" in table
    formula = run(tmp_path, "sql", "SELECT '=1+1' AS a, NULL AS b", "--csv", "--lake", lake).stdout
    assert formula.splitlines() == ["a,b", "'=1+1,"]
    assert "updated_at" in run(tmp_path, "sql", "--schema").stdout


def test_a_report_is_written_with_its_data(tmp_path: Path, lake: str) -> None:
    done = run(tmp_path, "report", "-o", "out/r.html", "--until", "latest", "--lake", lake, "--json")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/r.html").read_text().startswith("<!doctype html")
    assert json.loads((tmp_path / "out/r.json").read_text())["period"]


def test_care_of_a_lake(tmp_path: Path) -> None:
    made = run(tmp_path, "generate", "-n", "500", "--days", "3", "--json")
    assert json.loads(made.stdout)["executions"] == 500, made.stderr
    again = run(tmp_path, "generate", "-n", "500", "--days", "3", "-o", "same.ndjson.gz", "--json")
    assert again.returncode == 0
    assert run(tmp_path, "ingest", "same.ndjson.gz").stdout.startswith("read 500: 0 new")
    for verb in ("compact", "vacuum", "retain"):
        assert run(tmp_path, verb, "--json").returncode == 0
    healthy = json.loads(run(tmp_path, "verify", "--json").stdout)
    counted = run(
        tmp_path,
        "sql",
        "SELECT status IN ('queued', 'running') AS open, count(*) AS n FROM executions GROUP BY 1",
        "--json",
    )
    rows = {row["open"]: row["n"] for row in json.loads(counted.stdout)}
    assert sum(rows.values()) == 500
    assert rows[True] > 0  # they are in the hot store
    assert (healthy["healthy"], healthy["rows"]["executions"]) == (True, rows[False])
    file = next((tmp_path / "lake" / "executions").glob("date=*/*.parquet"))
    file.write_bytes(file.read_bytes()[:-20])
    broken = run(tmp_path, "verify", "--json")
    assert broken.returncode == 1
    assert json.loads(broken.stdout)["findings"]


def test_a_closed_pipe_is_quiet(tmp_path: Path, lake: str) -> None:
    arguments = [*PROCESS, "sql", "SELECT repeat('x', 1000) FROM range(100000)", "--csv"]
    with subprocess.Popen(
        [*arguments, "--lake", lake], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(tmp_path, {})
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 141


def test_ctrl_c_is_quiet_and_130(tmp_path: Path, lake: str) -> None:
    with subprocess.Popen(
        [*PROCESS, "serve", "--no-auth", "--port", "0", "--lake", lake],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(tmp_path, {}),
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "http://127.0.0.1:" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
        assert process.stderr.read() == ""


def test_on_a_terminal_tables_are_drawn(tmp_path: Path, lake: str) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*PROCESS, "stats", "--until", "latest", "--lake", lake],
        stdout=theirs,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env=environment(tmp_path, {"TERM": "xterm", "COLUMNS": "100"}),
    ) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux: the other end is closed
                break
            if not part:
                break
            shown += part
        assert process.wait(30) == 0
    os.close(ours)
    assert "─" in shown.decode()
    assert "success rate" in shown.decode()


def test_bytes_of_an_answer_are_hexadecimal(tmp_path: Path, lake: str) -> None:
    done = run(tmp_path, "sql", "SELECT '\\x00\\xFF'::BLOB AS bytes", "--json", "--lake", lake)
    assert json.loads(done.stdout) == [{"bytes": "00ff"}]
