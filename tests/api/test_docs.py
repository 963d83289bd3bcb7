"""The README names every command, route, setting, verb of make and exit status; the help is quick and has examples."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from api.app import create_app
from api.cli.app import VERBS
from api.cli.exits import DEBUG_VARIABLE, EXIT_STATUSES
from api.config import CONFIG_VARIABLE, SETTINGS, Config, Setting
from tests.api.command import run

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("verb", [name for name, _, _ in VERBS] + ["quarantine list", "quarantine retry"])
def test_every_command_is_in_the_readme(verb: str) -> None:
    assert re.search(rf"^\|.*`runlake {verb}\b[^`]*`.*\|.+\|$", README, re.MULTILINE)


def test_every_route_and_parameter_is_in_the_readme() -> None:
    paths = create_app(Config()).openapi()["paths"]
    assert len(paths) >= 3
    for path, operations in paths.items():
        for method, operation in operations.items():
            assert f"`{method.upper()} {path}`" in README
            for parameter in operation.get("parameters", []):
                assert re.search(rf"(?<!\w){re.escape(parameter['name'])}(?!\w)", README), parameter["name"]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: str(one.key))
def test_every_setting_is_in_the_readme(setting: Setting) -> None:
    key, variable = setting.key, setting.variable
    row = re.search(rf"^\| `{key}` \|(.*?)\|", README, re.MULTILINE)
    assert row is not None
    assert row[1].strip() == (f"`{variable}`" if variable else "")


def test_the_other_variables_are_in_the_readme() -> None:
    assert f"`{CONFIG_VARIABLE}`" in README
    assert f"`{DEBUG_VARIABLE}=1`" in README


def test_every_exit_status_is_in_the_readme_in_the_same_words() -> None:
    for status, meaning in EXIT_STATUSES.items():
        assert f"| {status} | {meaning.replace('RUNLAKE_DEBUG=1', '`RUNLAKE_DEBUG=1`')} |" in README


def test_every_verb_of_make_is_in_the_readme() -> None:
    verbs = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(verbs) > 8
    for verb in set(verbs) - {"help"}:
        assert f"`make {verb}`" in README


def test_links_of_the_readme_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize(
    "verb", [name.split() for name, _, _ in VERBS] + [["quarantine", "list"], ["quarantine", "retry"]]
)
def test_every_help_has_an_example(verb: list[str], tmp_path: Path) -> None:
    done = run(tmp_path, *verb, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(rf"^ +.*runlake {' '.join(verb)}\b", done.stdout, re.MULTILINE)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from api.cli import main; main(['--help'])\n"
        "heavy = {'duckdb', 'pyarrow', 'polars', 'deltalake', 'fastapi', 'uvicorn', 'plotly', 'numpy', 'rich'}\n"
        "sys.exit(' '.join(heavy & set(sys.modules)) or 0)"
    )
    started = time.monotonic()
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    assert "Exit statuses" in run.stdout
    assert time.monotonic() - started < 5  # a loaded machine; on an idle one it is some 0.15 s
