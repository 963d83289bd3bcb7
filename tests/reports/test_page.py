"""The page: golden files, escaping, nothing from outside, the same bytes every time, small enough, well formed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reports import figures, sparkline
from reports.build import MAX_STEPS, build
from reports.model import ReportModel, from_json, to_json
from reports.render import embedded_json, render
from reports.report import write_report
from tests.reports import golden, samples
from warehouse.errors import BadInputError
from warehouse.results import WorkflowTotals

MAX_BYTES = 5_500_000
MAX_SHARED_BYTES = 400_000
VOID = {"meta", "link", "br", "img", "input", "hr", "line", "rect", "circle", "polyline"}


class Page(HTMLParser):
    """Elements of a page; fails when they do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.headings: list[int] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(attrs) == len(dict(attrs)), f"an attribute twice in <{tag}>"
        self.elements.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append((dict(attrs), ""))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)


@pytest.fixture(scope="module")
def month() -> str:
    return render(golden.month_model())


def empty_model() -> ReportModel:
    return build(*samples.empty(), generated_at=samples.GENERATED_AT)


def hourly_model() -> ReportModel:
    return build(*samples.hourly(), generated_at=samples.GENERATED_AT)


def largest_model() -> ReportModel:
    """As much as a page can hold: most steps, every status, most rows, long names in a script of 3 bytes."""
    statistics, _, _ = samples.hourly(MAX_STEPS)
    _, nodes, errors, _ = samples.month()
    full = samples.totals(123456, 1234, 123, 234, 12, 12, p50_s=12.3456789, spread=1.7, queue_avg_s=0.123)
    workflows = tuple(WorkflowTotals(f"w{i}", "倉庫" * 200 + str(i), full, full) for i in range(300))
    return build(
        replace(
            statistics,
            buckets=tuple(replace(bucket, totals=full) for bucket in statistics.buckets),
            workflows=workflows,
            workflows_total=300,
        ),
        replace(nodes, nodes=tuple(replace(node, node_name="節点" * 200) for node in nodes.nodes * 4)),
        replace(errors, groups=tuple(replace(group, message="誤り" * 4000) for group in errors.groups * 10)),
        generated_at=samples.GENERATED_AT,
        extras=samples.extras(statistics, {f"w{i}": [123456] * MAX_STEPS for i in range(24)}),
        public_url="https://runlake.example",
    )


@pytest.mark.parametrize("name", sorted(path.name for path in golden.FOLDER.iterdir()))
def test_golden(name: str) -> None:
    assert golden.contents()[name] == (golden.FOLDER / name).read_text(encoding="utf-8")


def test_every_golden_file_is_there() -> None:
    assert sorted(golden.contents()) == sorted(path.name for path in golden.FOLDER.iterdir())


def test_the_model_survives_its_json() -> None:
    for model in (golden.tiny_model(), golden.month_model(), empty_model()):
        assert from_json(to_json(model)) == model
        assert render(from_json(to_json(model))) == render(model)


def test_the_same_bytes_in_another_process(month: str) -> None:
    code = (
        "import hashlib; from reports.render import render; from tests.reports import golden;"
        "print(hashlib.sha256(render(golden.month_model()).encode()).hexdigest())"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONHASHSEED": "4711", "TZ": "Asia/Tokyo", "LC_ALL": "C"}
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == hashlib.sha256(month.encode()).hexdigest()


def test_text_from_records_is_never_markup(month: str) -> None:
    page = Page(month)
    assert samples.HOSTILE not in month
    assert "alert(&#34;x&#34;)" in month
    assert not [tag for tag, _ in page.elements if tag == "img"]
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert "{{" not in golden.body(month).replace("{{7*7}}", "")  # templates in records are text


def test_hostile_text_everywhere_leaves_the_same_elements() -> None:
    statistics, nodes, errors = samples.tiny()
    bad = samples.NASTY + "\x00\u202e'\">-->]]>"

    def make(text: str) -> ReportModel:
        return build(
            replace(statistics, workflows=tuple(replace(item, workflow_name=text) for item in statistics.workflows)),
            replace(nodes, nodes=tuple(replace(n, node_name=text, node_type=text) for n in nodes.nodes)),
            replace(
                errors,
                groups=tuple(
                    replace(g, message=text, error_type=text, nodes=(text,), sample_ids=(text,), fingerprint=text)
                    for g in errors.groups
                ),
            ),
            generated_at=samples.GENERATED_AT,
            title=text,
            generator=text,
        )

    tags = [
        [tag for tag, _ in Page(render(make(text))).elements] for text in ("a harmless text of that length " * 3, bad)
    ]
    assert tags[0] == tags[1]


def test_embedded_json_cannot_leave_its_script() -> None:
    value = {"a": "</script><!-- & \u2028\u2029 ]]>"}
    text = str(embedded_json(value))
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == value
    with pytest.raises(ValueError, match="JSON compliant"):
        embedded_json(float("nan"))


@pytest.mark.parametrize("name", ["month", "tiny", "empty", "hourly"])
def test_nothing_is_fetched_and_only_known_scripts_run(name: str) -> None:
    models = {
        "month": golden.month_model,
        "tiny": golden.tiny_model,
        "empty": empty_model,
        "hourly": hourly_model,
    }
    text = render(models[name]())
    page = Page(text)
    for tag, attributes in page.elements:
        assert not {"src", "srcset", "action", "data", "poster", "xlink:href"} & set(attributes), tag
        assert tag not in {"link", "iframe", "object", "embed", "base", "form"}
        if tag == "a":
            assert str(attributes["href"]).startswith(("#", "https://runlake.example/"))
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    assert "url(" not in style.group(1)
    assert "@import" not in style.group(1)
    policy = next(str(a["content"]) for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    allowed = set(re.findall(r"'(sha256-[^']+)'", policy))
    run = [text for attributes, text in page.scripts if attributes.get("type") != "application/json"]
    assert {"sha256-" + b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in run} == allowed


@pytest.mark.parametrize("name", ["month", "tiny", "empty"])
def test_the_page_has_an_order(name: str) -> None:
    models = {"month": golden.month_model, "tiny": golden.tiny_model, "empty": empty_model}
    page = Page(render(models[name]()))
    ids = [str(attributes["id"]) for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    for _, attributes in page.elements:
        for name_ in ("aria-labelledby", "aria-describedby"):
            assert set(str(attributes.get(name_, "")).split()) <= set(ids)
        if str(attributes.get("href", "")).startswith("#"):
            assert str(attributes["href"])[1:] in ids
    tags = [tag for tag, _ in page.elements]
    assert tags.count("main") == tags.count("header") == tags.count("footer") == tags.count("nav") == 1


def test_an_empty_lake_is_told_in_words_without_the_plotting_library() -> None:
    text = render(empty_model())
    assert "No execution was recorded" in text
    assert "runlake ingest" in text
    assert len(text) < 60_000


def test_numbers_become_text_without_the_plotting_library() -> None:
    code = "import sys; from reports import format; sys.exit('plotly' in sys.modules or 'jinja2' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=True)


def test_size() -> None:
    assert len(render(golden.month_model()).encode()) < MAX_BYTES - 400_000
    assert len(render(largest_model()).encode()) <= MAX_BYTES


def test_size_beside_a_shared_library() -> None:
    for model in (golden.month_model(), hourly_model(), largest_model()):
        assert len(render(model, library_url="plotly.js").encode()) <= MAX_SHARED_BYTES


def test_caps_are_said() -> None:
    model = largest_model()
    assert (len(model.workflows), len(model.nodes), len(model.errors)) == (100, 60, 30)
    assert "of 300 are listed" in model.section("workflows").summary
    assert "60 are listed" in model.section("nodes").summary


def test_figures_have_gaps_where_numbers_are_missing() -> None:
    model = build(*samples.hourly(100), generated_at=samples.GENERATED_AT)
    missing = [index for index, point in enumerate(model.points) if point.p50_s is None]
    assert missing
    for figure in (figures.success(model), figures.durations(model)):
        for trace in figure.spec["data"]:
            assert not trace["connectgaps"]
            assert [index for index, value in enumerate(trace["y"]) if value is None] == missing


def test_figures_add_up_and_name_every_step_once() -> None:
    model = build(*samples.hourly(), generated_at=samples.GENERATED_AT)
    names = figures.step_names(model)
    assert len(set(names)) == len(names) == 720
    bars = figures.executions(model).spec["data"]
    for index, point in enumerate(model.points):
        assert sum(trace["y"][index] or 0 for trace in bars) == point.executions
    layout = figures.executions(model).spec["layout"]
    assert len(layout["xaxis"]["tickvals"]) <= figures.WIDE_TICKS
    assert not any(":" in text for text in layout["xaxis"]["ticktext"])  # midnights, also after the clock changed
    assert "template" not in layout


def test_sparklines() -> None:
    assert sparkline.svg([]) == sparkline.svg([1, None]) == sparkline.svg([0, 0, 7]) == ""
    drawn = str(sparkline.svg([0, 10, None, 5, None, 2, 2]))
    assert drawn.count("<polyline") == 2
    assert drawn.count("<circle") == 1
    assert '"2.0,22.0 18.0,2.0"' in drawn
    assert str(sparkline.svg([1.0, 2.0] * 500)).count(",") == sparkline.MAX_POINTS


def test_a_report_is_written_with_its_data_beside_it(tmp_path: Path) -> None:
    target = tmp_path / "new" / "week.html"
    model = golden.tiny_model()
    assert write_report(model, target) == [target, target.with_suffix(".json")]
    assert target.read_text(encoding="utf-8") == render(model)
    assert from_json(target.with_suffix(".json").read_bytes()) == model
    write_report(replace(model, generated_at=model.generated_at + timedelta(days=1)), target)
    assert sorted(path.name for path in target.parent.iterdir()) == ["week.html", "week.json"]


@pytest.mark.parametrize("name", ["report.json", "."])
def test_a_page_is_not_written_over_its_data(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError, match="written to a file such as"):
        write_report(golden.tiny_model(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []
