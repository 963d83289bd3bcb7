"""The timeline: a lane a node, a bar a run, whatever order, overlap and gaps they come in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.pages.timeline import BARS_MAX, HEADROOM, LANES_MAX, RUNS_MAX, Timeline, timeline
from tests.api.pages.sample import failed, node, running

AT = datetime(2026, 11, 1, 10, tzinfo=UTC)


def drawn(found: dict[str, Any], now: datetime = AT) -> Timeline:
    made = timeline(found, now)
    assert made is not None
    return made


def test_loops_are_one_lane_and_branches_lie_side_by_side() -> None:
    made = drawn(failed(AT))
    assert [lane.name for lane in made.lanes] == ["Hook", "Loop", "Side", "Write"]
    _, loop, side, write = made.lanes
    assert made.axis_s == 10.0
    assert [(bar.start, bar.width) for bar in loop.bars] == [(10.0, 10.0), (20.0, 10.0), (30.0, 10.0)]
    assert (loop.runs_total, loop.busy_s, [run.index for run in loop.runs]) == (3, 3.0, [0, 1, 2])
    assert [(bar.start, bar.width) for bar in side.bars] == [(10.0, 50.0)]
    assert (write.status, write.bars[0].status, write.runs[0].error) == (
        "failed",
        "failed",
        "connect ECONNREFUSED <b>db</b>",
    )
    assert made.slowest == "n_side"
    assert made.ticks == (
        (0.0, "0\u00a0s"),
        (20.0, "2\u00a0s"),
        (40.0, "4\u00a0s"),
        (60.0, "6\u00a0s"),
        (80.0, "8\u00a0s"),
    )


def test_what_runs_grows_to_now_and_has_room() -> None:
    made = drawn(running("x", AT), AT + timedelta(seconds=4))
    assert made.axis_s == 4.0 * HEADROOM
    hook, wait = made.lanes
    assert not hook.running
    assert wait.running
    assert wait.bars[0].start_s == 1.0
    assert wait.busy_s == 3.0
    assert wait.runs[0].duration_s == 3.0
    assert round(wait.bars[0].start + wait.bars[0].width, 1) == round(100 / HEADROOM, 1)


def test_no_nodes_is_no_timeline_and_unknown_times_are_none() -> None:
    assert timeline({**failed(AT), "executionData": []}, AT) is None
    made = drawn({**failed(AT), "executionData": [{"nodeId": "a", "status": "queued"}]})
    assert (made.lanes[0].start_s, made.lanes[0].busy_s, made.lanes[0].bars) == (None, None, ())


def test_nothing_is_left_out_without_a_word() -> None:
    loop = [node("Loop", AT, n, n + 1, "failed" if n == 4000 else "success", runIndex=n) for n in range(5000)]
    many = [node(f"N{n}", AT, 5000, 5001) for n in range(400)]
    made = drawn({**failed(AT), "executionData": loop + many})
    assert (len(made.lanes), made.lanes_total) == (LANES_MAX, 401)
    lane = made.lanes[0]
    assert (len(lane.runs), lane.runs_total) == (RUNS_MAX, 5000)
    assert 4000 in [run.index for run in lane.runs]
    assert len(lane.bars) <= BARS_MAX
    assert "failed" in [bar.status for bar in lane.bars]
    assert lane.status == "failed"


spans = st.lists(
    st.tuples(
        st.integers(0, 4), st.integers(-5000, 100_000), st.integers(0, 50_000), st.sampled_from(["success", "failed"])
    ),
    min_size=1,
    max_size=30,
)


@given(spans)
def test_bars_lie_on_the_axis_and_are_busy_as_long_as_a_recount_says(some: list[tuple[int, int, int, str]]) -> None:
    nodes = [node(f"N{which}", AT, start, start + length, status) for which, start, length, status in some]
    made = drawn({"status": "success", "startedAt": failed(AT)["startedAt"], "executionData": nodes})
    begin_ms = min(0, *(start for _, start, _, _ in some))
    assert made.begin_at == AT + timedelta(milliseconds=begin_ms)
    for lane in made.lanes:
        own = [(start, length) for which, start, length, _ in some if f"N{which}" == lane.name]
        assert lane.runs_total == len(own)
        covered = {ms for start, length in own for ms in range(start // 10, (start + length) // 10)}
        assert lane.busy_s is not None
        assert abs(lane.busy_s - len(covered) / 100) <= 0.02 * len(own)
        for bar in lane.bars:
            assert -0.01 <= bar.start <= 100.01
            assert bar.start + bar.width <= 100.01
    starts = [lane.start_s for lane in made.lanes]
    assert starts == sorted(starts, key=lambda one: one if one is not None else 0)
