"""Signatures verified by the package of another language: Node's `standardwebhooks`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.api.live.streams import event, put
from tests.api.webhooks.receivers import WEBHOOKS, receiving, register, sending

SCRIPT = Path(__file__).with_name("verify.js")
PACKAGE = "standardwebhooks@1.1.1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the package is installed."""
    made = tmp_path_factory.mktemp("node")
    why = None if shutil.which("node") and shutil.which("npm") else "Node and npm are not installed"
    if why is None:
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(made), PACKAGE],
            capture_output=True, text=True, timeout=180, check=False, cwd=made,
        )  # fmt: skip
        why = None if done.returncode == 0 else f"npm cannot install {PACKAGE}: {done.stderr[-300:]}"
    if why is not None:
        assert os.environ.get("RUNLAKE_TEST_NODE") != "required", why
        pytest.skip(why)
    return made


def verified(folder: Path, secret: str, body: str, headers: dict[str, str]) -> str:
    done = subprocess.run(
        ["node", str(SCRIPT)],
        input=json.dumps({"secret": secret, "body": body, "headers": headers}),
        env={**os.environ, "NODE_PATH": str(folder / "node_modules")},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout


def test_node_verifies_what_is_sent(folder: Path, tmp_path: Path) -> None:
    with receiving() as receiver, sending(tmp_path) as server:
        made = register(server.http, receiver.url)
        put(server.store, event("ünïcödé “quoted”"))
        (first,) = receiver.wait(1)
        assert verified(folder, made["secret"], first.body, first.headers) == "execution.started"
        assert verified(folder, made["secret"], first.body + " ", first.headers).startswith("refused")
        new = server.http.post(f"{WEBHOOKS}/{made['id']}/rotate-secret").json()["secret"]
        put(server.store, event(2))
        second = receiver.wait(2)[1]
        for secret in (made["secret"], new):
            assert verified(folder, secret, second.body, second.headers) == "execution.started"
        assert verified(folder, new, first.body, first.headers).startswith("refused")
